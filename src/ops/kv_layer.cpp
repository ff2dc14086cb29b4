#include "ops/kv_layer.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "base/error.h"
#include "kernels/kernels.h"
#include "ops/scratch.h"

namespace hone {
namespace {

size_t padded(size_t capacity) {
  return (capacity + KvLayer::kBlock - 1) / KvLayer::kBlock * KvLayer::kBlock;
}

// Zeroed: positions of a block that are not written yet are multiplied too, and their results dropped.
std::shared_ptr<std::byte> allocate(size_t bytes) {
  auto* memory = static_cast<std::byte*>(std::calloc(1, bytes + 64));
  if (memory == nullptr)
    fail(ErrorCode::kResourceExhausted,
         "memory: cannot hold {} bytes of keys and values; use a smaller context", bytes);
  return {memory, [](std::byte* p) { std::free(p); }};
}

}  // namespace

const char* kv_format_name(KvFormat format) noexcept {
  return format == KvFormat::kF32 ? "f32" : "f16";
}

size_t KvLayer::bytes(size_t n_heads, size_t head_dim, size_t capacity, KvFormat format) noexcept {
  return 2 * n_heads * head_dim * padded(capacity) * (format == KvFormat::kF32 ? 4 : 2);
}

KvLayer::KvLayer(size_t n_heads, size_t head_dim, size_t capacity, KvFormat format)
    : n_heads_(n_heads), head_dim_(head_dim), capacity_(padded(capacity)), format_(format) {
  head_bytes_ = head_dim * capacity_ * element_bytes();
  keys_ = allocate(n_heads * head_bytes_);
  values_ = allocate(n_heads * head_bytes_);
}

template <typename Element>
void KvLayer::write_rows(size_t position, size_t n, const Element* keys, const Element* values) {
  const size_t width = n_heads_ * head_dim_;
  for (size_t head = 0; head < n_heads_; ++head) {
    auto* k = reinterpret_cast<Element*>(keys_.get() + head * head_bytes_);
    auto* v = reinterpret_cast<Element*>(values_.get() + head * head_bytes_);
    for (size_t i = 0; i < n; ++i) {
      const size_t p = position + i;
      Element* column = k + p / kBlock * kBlock * head_dim_ + p % kBlock;
      const Element* key = keys + i * width + head * head_dim_;
      for (size_t d = 0; d < head_dim_; ++d) column[d * kBlock] = key[d];
      std::memcpy(v + p * head_dim_, values + i * width + head * head_dim_, head_dim_ * sizeof(Element));
    }
  }
}

void KvLayer::write(size_t position, size_t n, const float* keys, const float* values) {
  HONE_CHECK(position + n <= capacity_);
  if (format_ == KvFormat::kF32) return write_rows(position, n, keys, values);
  constexpr size_t kRows = 64;
  const size_t width = n_heads_ * head_dim_;
  auto* halves = scratch<uint16_t>(2 * kRows * width, ScratchSlot::kConverted);
  for (size_t i = 0; i < n; i += kRows) {
    const size_t rows = std::min(kRows, n - i);
    active_kernels().f32_to_f16(rows * width, keys + i * width, halves);
    active_kernels().f32_to_f16(rows * width, values + i * width, halves + rows * width);
    write_rows(position + i, rows, halves, halves + rows * width);
  }
}

void KvLayer::decode_keys(size_t head, size_t begin, size_t n, float* out) const {
  const FormatId id = format_ == KvFormat::kF32 ? FormatId::kF32 : FormatId::kF16;
  const size_t count = padded(n) * head_dim_;
  active_kernels().decode_row(id)(keys(head) + begin * head_dim_ * element_bytes(), out, count);
}

void KvLayer::decode_values(size_t head, size_t begin, size_t n, float* out) const {
  const FormatId id = format_ == KvFormat::kF32 ? FormatId::kF32 : FormatId::kF16;
  active_kernels().decode_row(id)(values(head) + begin * head_dim_ * element_bytes(), out, n * head_dim_);
}

}  // namespace hone
