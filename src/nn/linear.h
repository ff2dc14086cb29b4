// Linear hides its storage: any weight format, with or without an adapter, forward and backward. Weights are
// copied out of the source, at once or when they are first used, quantized rows interleaved for the active
// instruction set (ops/matrix.h); the source's pages can then be released.
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "io/weight_source.h"
#include "ops/ops.h"

namespace hone {

// What a tensor is for; mixes, adapters, planner and report speak of roles, never of names.
enum class TensorRole {
  kTokenEmbd,
  kOutput,
  kOutputNorm,
  kAttnNorm,
  kAttnQ,
  kAttnK,
  kAttnV,
  kAttnQkv,  // the three in one matrix
  kAttnOutput,
  kAttnQNorm,     // of every query head
  kAttnKNorm,     // of every key head
  kAttnPostNorm,  // of what attention adds to the residual stream
  kFfnNorm,
  kFfnGate,
  kFfnUp,
  kFfnGateUp,  // both in one matrix
  kFfnDown,
  kFfnPostNorm,
  kBias,  // of the linear layer of the same name
  kOther,
};
const char* role_name(TensorRole role) noexcept;

class Linear;

// A trainable change to a Linear (LoRA, …). Lives on the Linear, knows its shape, owns its parameters.
class LinearAdapter {
 public:
  virtual ~LinearAdapter() = default;
  // What it adds in this step.
  virtual LowRank low_rank() = 0;
  // Adds this adapter's change to f32 weight rows [row_begin, row_begin + n_rows) of W (n_rows, C).
  virtual void merge_rows(const Linear& base, size_t row_begin, size_t n_rows, float* rows) const = 0;
  virtual std::vector<Parameter*> parameters() = 0;
};

// 64-byte aligned bytes of a matrix.
class WeightStorage {
 public:
  WeightStorage() = default;
  // Uninitialised.
  explicit WeightStorage(size_t size);
  std::byte* data() const noexcept { return data_.get(); }
  size_t size() const noexcept { return size_; }

 private:
  std::shared_ptr<std::byte> data_;
  size_t size_ = 0;
};

// Hands a stored weight to `use`, once; its bytes need not outlive the call.
using ReadWeight = std::function<void(const std::function<void(std::span<const std::byte>)>& use)>;

class Linear {
 public:
  Linear() = default;
  // weight: `rows` x `cols` elements of `format`. bias may be empty.
  Linear(std::string name, TensorRole role, const Format& format, size_t rows, size_t cols,
         std::span<const std::byte> weight, std::vector<float> bias = {});
  // The weight is read when it is first wanted, by the thread that wants it; what read() throws comes out
  // there, and the next one tries again.
  Linear(std::string name, TensorRole role, const Format& format, size_t rows, size_t cols, ReadWeight read,
         std::vector<float> bias = {});

  // A delicate Linear rounds its input less than others do in the fast mode (GemmTerm::exact).
  void set_delicate(bool delicate) noexcept { delicate_ = delicate; }

  bool defined() const noexcept { return rows_ > 0; }
  // x (T, in_features) -> (T, out_features).
  Tensor forward(OpContext& ctx, const Tensor& x) const;
  // sum + forward(ctx, x): in the place of `sum` where nothing else needs it.
  Tensor forward_onto(OpContext& ctx, Tensor sum, const Tensor& x) const;
  // Several Linears of the same input, in their order: x is converted once, and the products share the
  // threads.
  static std::vector<Tensor> forward_all(OpContext& ctx, const Tensor& x,
                                         std::initializer_list<const Linear*> linears);

  // The gated unit between two Linears of the same input.
  static Tensor forward_gated(OpContext& ctx, Activation activation, const Tensor& x, const Linear& gate,
                              const Linear& up);

  const std::string& name() const noexcept { return name_; }  // GGUF tensor name, with ".weight"
  TensorRole role() const noexcept { return role_; }
  size_t in_features() const noexcept { return cols_; }
  size_t out_features() const noexcept { return rows_; }
  const Format& format() const noexcept { return *format_; }
  // Reads it first if that is still to be done; not from within thread_pool().run() then.
  const MatrixView& weight() const;
  // Reads the weight, if that is still to be done, on the calling thread alone; may outlive the Linear.
  std::function<void()> reading() const;
  // Dequantized rows [begin, begin + n) of W, without the adapter: out (n, C).
  void dequantize_rows(size_t begin, size_t n, float* out) const;

  void set_adapter(std::shared_ptr<LinearAdapter> adapter) { adapter_ = std::move(adapter); }
  LinearAdapter* adapter() const noexcept { return adapter_.get(); }
  // Full fine-tuning: replaces the storage by an f32 parameter that receives dW.
  Parameter& make_trainable();
  Parameter* trainable() const noexcept { return trainable_.get(); }

 private:
  struct Stored;  // the weight, read once
  void add_bias(Tensor& y) const;
  MatmulWeight product_of(OpContext& ctx, const Tensor& x) const;

  std::string name_;
  TensorRole role_ = TensorRole::kOther;
  const Format* format_ = nullptr;
  size_t rows_ = 0, cols_ = 0;
  std::shared_ptr<Stored> stored_;  // null when trainable
  MatrixView trainable_view_;
  std::vector<float> bias_;
  bool delicate_ = false;
  std::shared_ptr<LinearAdapter> adapter_;
  std::shared_ptr<Parameter> trainable_;
};

}  // namespace hone
