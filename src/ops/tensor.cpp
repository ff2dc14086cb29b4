#include "ops/tensor.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <map>
#include <mutex>

#include "base/error.h"
#include "base/large_memory.h"
#include "ops/parallel.h"

namespace hone {
namespace {

constexpr size_t kLarge = size_t{256} << 10;

std::shared_ptr<std::byte> allocate(size_t bytes) {
  return bytes >= kLarge ? allocate_large(bytes) : allocate_small(bytes);
}

struct Buffer {
  std::shared_ptr<std::byte> memory;
  size_t bytes = 0;
};

// Freed buffers are kept by size and handed out again: the same shapes come back every step, and fresh pages
// from the operating system cost more than most ops.
class BufferPool {
 public:
  // At least `bytes`.
  Buffer take(size_t bytes) {
    const std::lock_guard lock(mutex_);
    Buffer buffer = take_free(bytes);
    if (!buffer.memory) buffer = take_fresh(bytes);
    memory_.in_use += buffer.bytes;
    memory_.peak = std::max(memory_.peak, memory_.in_use);
    return buffer;
  }
  void give(Buffer buffer) noexcept {
    const std::lock_guard lock(mutex_);
    memory_.in_use -= buffer.bytes;
    try {
      free_[buffer.bytes].push_back(std::move(buffer.memory));
    } catch (...) {
      memory_.held -= buffer.bytes;
    }
  }
  TensorMemory memory() noexcept {
    const std::lock_guard lock(mutex_);
    return memory_;
  }
  void reset_peak() noexcept {
    const std::lock_guard lock(mutex_);
    memory_.peak = memory_.in_use;
  }
  void limit(size_t bytes) noexcept {
    const std::lock_guard lock(mutex_);
    limit_ = bytes;
  }

 private:
  // The smallest that is large enough, unless half of it would be wasted.
  Buffer take_free(size_t bytes) noexcept {
    for (auto it = free_.lower_bound(bytes); it != free_.end() && it->first < 2 * bytes; ++it) {
      if (it->second.empty()) continue;
      Buffer buffer{std::move(it->second.back()), it->first};
      it->second.pop_back();
      return buffer;
    }
    return {};
  }
  Buffer take_fresh(size_t bytes) {
    if (limit_ != 0 && memory_.held + bytes > limit_) drop_free();
    Buffer buffer{allocate(bytes), bytes};
    if (!buffer.memory) {
      drop_free();
      buffer.memory = allocate(bytes);
    }
    if (!buffer.memory)
      fail(ErrorCode::kResourceExhausted,
           "memory: cannot allocate {} bytes for a tensor; use smaller batches", bytes);
    memory_.held += bytes;
    return buffer;
  }
  void drop_free() noexcept {
    for (const auto& [bytes, buffers] : free_) memory_.held -= bytes * buffers.size();
    free_.clear();
  }
  std::mutex mutex_;
  std::map<size_t, std::vector<std::shared_ptr<std::byte>>> free_;
  TensorMemory memory_;
  size_t limit_ = 0;
};

BufferPool& pool() {
  static BufferPool* instance = new BufferPool;  // outlives every static tensor
  return *instance;
}

// Sizes are rounded up to an eighth of their power of two, so that nearly equal shapes share buffers.
size_t rounded_bytes(size_t n) {
  size_t bytes = n * sizeof(float);
  size_t step = 256;
  while (step * 16 < bytes) step *= 2;
  bytes = (bytes + step - 1) / step * step;
  return bytes < 256 ? 256 : bytes;
}

uint64_t next_key() noexcept {
  static std::atomic<uint64_t> last{0};
  return ++last;
}

size_t product(const Tensor::Shape& shape) {
  size_t n = 1;
  for (const size_t d : shape) n *= d;
  return n;
}

}  // namespace

TensorMemory tensor_memory() noexcept {
  return pool().memory();
}
void reset_tensor_peak() noexcept {
  pool().reset_peak();
}
void limit_tensor_memory(size_t bytes) noexcept {
  pool().limit(bytes);
}

Tensor Tensor::valueless(Shape shape) {
  Tensor t;
  t.key_ = next_key();
  t.size_ = product(shape);
  t.shape_ = std::move(shape);
  return t;
}

Tensor Tensor::empty(Shape shape) {
  Tensor t = valueless(std::move(shape));
  Buffer buffer = pool().take(rounded_bytes(t.size_));
  auto* data = reinterpret_cast<float*>(buffer.memory.get());
  t.storage_ = std::shared_ptr<float>(
      data, [buffer = std::move(buffer)](float*) mutable { pool().give(std::move(buffer)); });
  return t;
}

Tensor Tensor::zeros(Shape shape) {
  Tensor t = empty(std::move(shape));
  std::memset(t.data(), 0, t.size() * sizeof(float));
  return t;
}

Tensor Tensor::from(Shape shape, const std::vector<float>& values) {
  Tensor t = empty(std::move(shape));
  HONE_CHECK(values.size() == t.size(), "{} values for {} elements", values.size(), t.size());
  std::memcpy(t.data(), values.data(), t.size() * sizeof(float));
  return t;
}

Tensor Tensor::reshape(Shape shape) const {
  Tensor t = *this;
  HONE_CHECK(product(shape) == size_);
  t.shape_ = std::move(shape);
  return t;
}

Tensor Tensor::without_values() const {
  Tensor t = *this;
  t.storage_.reset();
  return t;
}

Tensor Tensor::clone() const {
  Tensor t = empty(shape_);
  parallel_rows(size_, 1, [out = t.data(), in = data()](size_t begin, size_t end) {
    std::memcpy(out + begin, in + begin, (end - begin) * sizeof(float));
  });
  return t;
}

void Parameter::accumulate(const Tensor& g) {
  HONE_CHECK(g.size() == value.size());
  Tensor& sum = ensure_grad();
  for (size_t i = 0; i < g.size(); ++i) sum.data()[i] += g.data()[i];
}

Tensor& Parameter::ensure_grad() {
  if (!grad.defined()) grad = Tensor::zeros(value.shape());
  return grad;
}

void Tape::require(const Tensor& t) {
  required_.insert(t.key());
}
bool Tape::requires_grad(const Tensor& t) const {
  return required_.contains(t.key());
}

Tensor& Tape::grad(const Tensor& t) {
  Tensor& g = grads_[t.key()];
  if (!g.defined()) g = Tensor::zeros(t.shape());
  return g;
}

Tensor Tape::take_grad(const Tensor& t) {
  const auto it = grads_.find(t.key());
  if (it == grads_.end()) return {};
  Tensor g = std::move(it->second);
  grads_.erase(it);
  return g;
}

void Tape::add_grad(const Tensor& t, Tensor g) {
  HONE_CHECK(g.size() == t.size(), "gradient of {} elements for {}", g.size(), t.size());
  Tensor& sum = grads_[t.key()];
  if (!sum.defined()) {
    sum = std::move(g);
    return;
  }
  parallel_rows(g.size(), 1, [out = sum.data(), in = g.data()](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) out[i] += in[i];
  });
}

void Tape::backward() {
  while (!closures_.empty()) {
    // Moved out first: the closure owns what it saved, and frees it as soon as it has run.
    const Backward closure = std::move(closures_.back());
    closures_.pop_back();
    closure(*this);
  }
  required_.clear();
}

}  // namespace hone
