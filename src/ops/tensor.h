// Tensor: contiguous row-major f32 with shared storage. Tape: what backward needs, recorded by the ops while
// they run forward. There is no graph and no lazy evaluation: an op computes at once and, when the context
// has a tape, records one closure. Values live as long as a closure or a caller holds them, so a closure
// captures without_values() of what it does not read.
//
// Gradient convention: closures ADD into the gradients of their inputs; a tensor's gradient is complete when
// its producer's closure runs, because closures run in reverse order of recording.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace hone {

class Tensor {
 public:
  using Shape = std::vector<size_t>;

  Tensor() = default;
  // Uninitialised / zeroed storage from the buffer pool (64-byte aligned).
  static Tensor empty(Shape shape);
  static Tensor zeros(Shape shape);
  // A tensor that never has values, for the tape: what was computed is kept elsewhere, or not at all.
  static Tensor valueless(Shape shape);
  static Tensor from(Shape shape, const std::vector<float>& values);

  bool defined() const noexcept { return storage_ != nullptr; }
  float* data() const noexcept { return storage_.get(); }
  const Shape& shape() const noexcept { return shape_; }
  size_t size() const noexcept { return size_; }
  // All but the last dimension, and the last: the tensor seen as a matrix.
  size_t rows() const noexcept { return shape_.empty() ? 0 : size_ / shape_.back(); }
  size_t cols() const noexcept { return shape_.empty() ? 0 : shape_.back(); }
  float* row(size_t i) const noexcept { return storage_.get() + i * cols(); }
  // Same storage, other shape of the same size; shares the gradient too.
  Tensor reshape(Shape shape) const;
  Tensor clone() const;
  // Whether nobody else holds the storage.
  bool is_sole() const noexcept { return storage_.use_count() == 1; }
  // Which tensor this is, for the tape: never used twice.
  uint64_t key() const noexcept { return key_; }
  // The same tensor to the tape, without the values: what a closure keeps of a tensor whose gradient it moves
  // but whose values it does not read. data() is null.
  Tensor without_values() const;

 private:
  std::shared_ptr<float> storage_;
  Shape shape_;
  size_t size_ = 0;
  uint64_t key_ = 0;
};

// Bytes of tensors: alive now, the most since reset_tensor_peak(), and held with the freed buffers that wait
// for the next tensor of their size.
struct TensorMemory {
  size_t in_use = 0, peak = 0, held = 0;
};
TensorMemory tensor_memory() noexcept;
void reset_tensor_peak() noexcept;
// Beyond so many bytes held, freed buffers go back to the system before new ones are taken; 0: no limit.
void limit_tensor_memory(size_t bytes) noexcept;

// A trainable value. grad accumulates over micro-batches until the optimizer takes it.
struct Parameter {
  std::string name;
  Tensor value;
  Tensor grad;        // same shape, zeroed by zero_grad(); undefined until first used
  bool decay = true;  // weight decay applies
  void accumulate(const Tensor& g);
  Tensor& ensure_grad();
};

class Tape {
 public:
  using Backward = std::function<void(Tape&)>;

  void record(Backward backward) { closures_.push_back(std::move(backward)); }
  // Marks t as needing a gradient; ops mark their outputs when an input is marked or they hold parameters.
  void require(const Tensor& t);
  bool requires_grad(const Tensor& t) const;
  // The gradient of t, zero-initialised on first use.
  Tensor& grad(const Tensor& t);
  bool has_grad(const Tensor& t) const { return grads_.contains(t.key()); }
  // Moves the gradient out (an undefined tensor if nothing flowed here); for the producer's closure.
  Tensor take_grad(const Tensor& t);
  // Adopts g as t's gradient when there is none yet, adds otherwise. g must not be used afterwards.
  void add_grad(const Tensor& t, Tensor g);
  // Runs all closures in reverse and drops them.
  void backward();
  bool empty() const noexcept { return closures_.empty(); }

 private:
  std::vector<Backward> closures_;
  std::unordered_map<uint64_t, Tensor> grads_;
  std::unordered_set<uint64_t> required_;
};

}  // namespace hone
