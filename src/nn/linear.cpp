#include "nn/linear.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>

#include "base/error.h"
#include "base/large_memory.h"
#include "base/round.h"
#include "base/threads.h"
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
    case TensorRole::kAttnQkv:
      return "attn_qkv";
    case TensorRole::kAttnOutput:
      return "attn_output";
    case TensorRole::kAttnQNorm:
      return "attn_q_norm";
    case TensorRole::kAttnKNorm:
      return "attn_k_norm";
    case TensorRole::kAttnPostNorm:
      return "attn_post_norm";
    case TensorRole::kFfnNorm:
      return "ffn_norm";
    case TensorRole::kFfnGate:
      return "ffn_gate";
    case TensorRole::kFfnUp:
      return "ffn_up";
    case TensorRole::kFfnGateUp:
      return "ffn_gate_up";
    case TensorRole::kFfnDown:
      return "ffn_down";
    case TensorRole::kFfnPostNorm:
      return "ffn_post_norm";
    case TensorRole::kBias:
      return "bias";
    case TensorRole::kOther:
      return "other";
  }
  return "other";
}

WeightStorage::WeightStorage(size_t size) : size_(size) {
  // A few bytes beyond the end may be read by vector loads of the last block; they never reach a result.
  data_ = allocate_large(size_ + 64);
  if (!data_) fail(ErrorCode::kResourceExhausted, "memory: cannot hold {} bytes of weights", size_);
}

struct Linear::Stored {
  Stored(const Format& of, size_t n_rows, size_t n_cols, ReadWeight how)
      : format(&of), rows(n_rows), cols(n_cols), read(std::move(how)) {}

  const Format* format;
  size_t rows, cols;
  ReadWeight read;
  // Not std::call_once: where a call throws, ThreadSanitizer's never comes back.
  std::mutex mutex;
  std::atomic<bool> filled = false;
  WeightStorage storage;
  MatrixView view;

  // pool: as of pack_matrix.
  void fill(ThreadPool* pool) {
    if (filled.load(std::memory_order_acquire)) return;
    const std::lock_guard lock(mutex);
    if (filled.load(std::memory_order_relaxed)) return;
    read([&](std::span<const std::byte> weight) { take(weight, pool); });
    read = nullptr;
    filled.store(true, std::memory_order_release);
  }
  void take(std::span<const std::byte> weight, ThreadPool* pool) {
    HONE_CHECK(weight.size() == rows * format->bytes(cols), "{} bytes", weight.size());
    view = {format, weight.data(), rows, cols};
    if (const PackedKernels* packed = packing_of(*format)) {
      storage = WeightStorage(packed_bytes(*packed, *format, rows, cols));
      view = pack_matrix(*packed, view, storage.data(), pool);
      return;
    }
    storage = WeightStorage(weight.size());
    constexpr size_t kPiece = 1 << 20;
    run_on(pool, ceil_div(weight.size(), kPiece), [&](size_t piece, int) {
      const auto part = weight.subspan(piece * kPiece, std::min(kPiece, weight.size() - piece * kPiece));
      std::memcpy(storage.data() + piece * kPiece, part.data(), part.size());
    });
    view.data = storage.data();
  }
};

Linear::Linear(std::string name, TensorRole role, const Format& format, size_t rows, size_t cols,
               ReadWeight read, std::vector<float> bias)
    : name_(std::move(name)),
      role_(role),
      format_(&format),
      rows_(rows),
      cols_(cols),
      stored_(std::make_shared<Stored>(format, rows, cols, std::move(read))),
      bias_(std::move(bias)) {
  HONE_CHECK(bias_.empty() || bias_.size() == rows);
}

Linear::Linear(std::string name, TensorRole role, const Format& format, size_t rows, size_t cols,
               std::span<const std::byte> weight, std::vector<float> bias)
    : Linear(
          std::move(name), role, format, rows, cols, [weight](const auto& use) { use(weight); },
          std::move(bias)) {
  stored_->fill(&thread_pool());
}

const MatrixView& Linear::weight() const {
  if (trainable_) return trainable_view_;
  stored_->fill(&thread_pool());
  return stored_->view;
}

std::function<void()> Linear::reading() const {
  return [stored = stored_] { stored->fill(nullptr); };
}

void Linear::add_bias(Tensor& y) const {
  if (bias_.empty()) return;
  parallel_rows(y.rows(), y.cols(), [&](size_t begin, size_t end) {
    for (size_t t = begin; t < end; ++t)
      for (size_t i = 0; i < y.cols(); ++i) y.row(t)[i] += bias_[i];
  });
}

MatmulWeight Linear::product_of(OpContext& ctx, const Tensor& x) const {
  if (ctx.observer != nullptr) ctx.observer->on_input(*this, x);
  MatmulWeight product{weight(), trainable_.get(), {}, delicate_};
  if (adapter_) product.low_rank = adapter_->low_rank();
  return product;
}

std::vector<Tensor> Linear::forward_all(OpContext& ctx, const Tensor& x,
                                        std::initializer_list<const Linear*> linears) {
  std::vector<MatmulWeight> weights;
  for (const Linear* linear : linears) weights.push_back(linear->product_of(ctx, x));
  std::vector<Tensor> outputs = matmul(ctx, x, weights);
  size_t i = 0;
  for (const Linear* linear : linears) linear->add_bias(outputs[i++]);
  return outputs;
}

Tensor Linear::forward_gated(OpContext& ctx, Activation activation, const Tensor& x, const Linear& gate,
                             const Linear& up) {
  if (gate.bias_.empty() && up.bias_.empty()) {
    const MatmulWeight of_gate = gate.product_of(ctx, x);
    return gated_matmul(ctx, activation, x, of_gate, up.product_of(ctx, x));
  }
  const std::vector<Tensor> wide = forward_all(ctx, x, {&gate, &up});
  return gated(ctx, activation, wide[0], wide[1]);
}

Tensor Linear::forward(OpContext& ctx, const Tensor& x) const {
  return std::move(forward_all(ctx, x, {this})[0]);
}

Tensor Linear::forward_onto(OpContext& ctx, Tensor sum, const Tensor& x) const {
  // What is computed again with a tape is added in the same way both times.
  if (ctx.tape != nullptr || ctx.repeated || !sum.is_sole()) return add(ctx, sum, forward(ctx, x));
  matmul_onto(ctx, sum, x, product_of(ctx, x));
  add_bias(sum);
  return sum;
}

void Linear::dequantize_rows(size_t begin, size_t n, float* out) const {
  HONE_CHECK(begin + n <= rows_);
  const MatrixView& w = weight();
  for (size_t r = 0; r < n; ++r) decode_elements(w, begin + r, 0, cols_, out + r * cols_);
}

Parameter& Linear::make_trainable() {
  if (trainable_) return *trainable_;
  auto parameter = std::make_shared<Parameter>();
  parameter->name = name_;
  parameter->value = Tensor::empty({rows_, cols_});
  dequantize_rows(0, rows_, parameter->value.data());
  trainable_ = std::move(parameter);
  trainable_view_ = f32_view(trainable_->value);
  format_ = trainable_view_.format;
  stored_ = nullptr;
  return *trainable_;
}

}  // namespace hone
