#include "ops/tensor.h"

#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>

#include "base/error.h"

namespace hone {
namespace {

// Freed buffers are kept by size and handed out again: the same shapes come back every step, and fresh pages
// from the operating system cost more than most ops.
class BufferPool {
 public:
  float* take(size_t bytes) {
    {
      const std::lock_guard lock(mutex_);
      const auto it = free_.find(bytes);
      if (it != free_.end() && !it->second.empty()) {
        float* buffer = it->second.back();
        it->second.pop_back();
        return buffer;
      }
    }
    void* buffer = std::aligned_alloc(64, bytes);
    if (buffer == nullptr) {
      drop_free();
      buffer = std::aligned_alloc(64, bytes);
    }
    if (buffer == nullptr)
      fail(ErrorCode::kResourceExhausted,
           "memory: cannot allocate {} bytes for a tensor; use smaller batches", bytes);
    return static_cast<float*>(buffer);
  }
  void give(float* buffer, size_t bytes) noexcept {
    try {
      const std::lock_guard lock(mutex_);
      free_[bytes].push_back(buffer);
    } catch (...) {
      std::free(buffer);
    }
  }

 private:
  void drop_free() {
    const std::lock_guard lock(mutex_);
    for (auto& [bytes, buffers] : free_)
      for (float* buffer : buffers) std::free(buffer);
    free_.clear();
  }
  std::mutex mutex_;
  std::map<size_t, std::vector<float*>> free_;
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

size_t product(const Tensor::Shape& shape) {
  size_t n = 1;
  for (const size_t d : shape) n *= d;
  return n;
}

}  // namespace

Tensor Tensor::empty(Shape shape) {
  Tensor t;
  t.size_ = product(shape);
  t.shape_ = std::move(shape);
  const size_t bytes = rounded_bytes(t.size_);
  t.storage_ =
      std::shared_ptr<float>(pool().take(bytes), [bytes](float* buffer) { pool().give(buffer, bytes); });
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

Tensor Tensor::clone() const {
  Tensor t = empty(shape_);
  std::memcpy(t.data(), data(), size_ * sizeof(float));
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
  required_.emplace(t.key(), t);
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
  float* out = sum.data();
  const float* in = g.data();
  for (size_t i = 0, n = g.size(); i < n; ++i) out[i] += in[i];
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
