#include "nn/linear.h"

#include <cstdlib>
#include <cstring>

#include "base/error.h"
#include "ops/parallel.h"

namespace hone {

const char* role_name(TensorRole role) noexcept {
  switch (role) {
    case TensorRole::kTokenEmbd:
      return "token_embd";
    case TensorRole::kOutput:
      return "output";
    case TensorRole::kOutputNorm:
      return "output_norm";
    case TensorRole::kAttnNorm:
      return "attn_norm";
    case TensorRole::kAttnQ:
      return "attn_q";
    case TensorRole::kAttnK:
      return "attn_k";
    case TensorRole::kAttnV:
      return "attn_v";
    case TensorRole::kAttnOutput:
      return "attn_output";
    case TensorRole::kFfnNorm:
      return "ffn_norm";
    case TensorRole::kFfnGate:
      return "ffn_gate";
    case TensorRole::kFfnUp:
      return "ffn_up";
    case TensorRole::kFfnDown:
      return "ffn_down";
    case TensorRole::kOther:
      return "other";
  }
  return "other";
}

WeightStorage::WeightStorage(std::span<const std::byte> bytes) : size_(bytes.size()) {
  // A few bytes beyond the end may be read by vector loads of the last block; they never reach a result.
  const size_t allocated = (size_ + 64 + 63) / 64 * 64;
  auto* memory = static_cast<std::byte*>(std::aligned_alloc(64, allocated));
  if (memory == nullptr)
    fail(ErrorCode::kResourceExhausted, "memory: cannot hold {} bytes of weights", allocated);
  std::memcpy(memory, bytes.data(), size_);
  std::memset(memory + size_, 0, allocated - size_);
  data_ = std::shared_ptr<std::byte>(memory, [](std::byte* p) { std::free(p); });
}

Linear::Linear(std::string name, TensorRole role, const Format& format, size_t rows, size_t cols,
               std::span<const std::byte> weight, std::vector<float> bias)
    : name_(std::move(name)), role_(role), storage_(weight), bias_(std::move(bias)) {
  HONE_CHECK(weight.size() == rows * format.bytes(cols), "{}: {} bytes", name_, weight.size());
  HONE_CHECK(bias_.empty() || bias_.size() == rows);
  view_ = {&format, storage_.data(), rows, cols};
}

Tensor Linear::forward(OpContext& ctx, const Tensor& x) const {
  if (ctx.observer != nullptr) ctx.observer->on_input(*this, x);
  Tensor y = matmul(ctx, x, view_, trainable_.get());
  if (!bias_.empty()) {
    parallel_rows(y.rows(), y.cols(), [&](size_t begin, size_t end) {
      for (size_t t = begin; t < end; ++t)
        for (size_t i = 0; i < y.cols(); ++i) y.row(t)[i] += bias_[i];
    });
  }
  if (!adapter_) return y;
  Tensor out = adapter_->apply(ctx, *this, x, y);
  if (ctx.tape != nullptr) ctx.tape->require(out);
  return out;
}

void Linear::dequantize_rows(size_t begin, size_t n, float* out) const {
  HONE_CHECK(begin + n <= view_.rows);
  view_.format->to_float(view_.data + begin * view_.row_bytes(), out, n * view_.cols);
}

Parameter& Linear::make_trainable() {
  if (trainable_) return *trainable_;
  trainable_ = std::make_shared<Parameter>();
  trainable_->name = name_;
  trainable_->value = Tensor::empty({view_.rows, view_.cols});
  dequantize_rows(0, view_.rows, trainable_->value.data());
  view_ = f32_view(trainable_->value);
  storage_ = {};
  return *trainable_;
}

}  // namespace hone
