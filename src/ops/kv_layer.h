// Keys and values of one layer of a growing sequence. Keys are kept in blocks of 16 positions, transposed, so
// that one vector holds one dimension of 16 keys; values row by row. Each head's part is contiguous.
#pragma once

#include <cstddef>
#include <memory>

#include "ops/tensor.h"

namespace hone {

enum class KvFormat { kF32, kF16 };
const char* kv_format_name(KvFormat format) noexcept;

class KvLayer {
 public:
  static constexpr size_t kBlock = 16;

  KvLayer(size_t n_heads, size_t head_dim, size_t capacity, KvFormat format);
  // Rows [position, position + n) of both, each n_heads * head_dim wide.
  void write(size_t position, size_t n, const float* keys, const float* values);

  KvFormat format() const noexcept { return format_; }
  size_t capacity() const noexcept { return capacity_; }
  // [capacity / 16][D][16] elements.
  const std::byte* keys(size_t head) const noexcept { return keys_.get() + head * head_bytes_; }
  // [capacity][D] elements.
  const std::byte* values(size_t head) const noexcept { return values_.get() + head * head_bytes_; }
  size_t element_bytes() const noexcept { return format_ == KvFormat::kF32 ? 4 : 2; }
  // Positions [begin, begin + n) of a head as f32: keys to [n / 16][D][16] (begin a multiple of 16, n rounded
  // up), values to [n][D].
  void decode_keys(size_t head, size_t begin, size_t n, float* out) const;
  void decode_values(size_t head, size_t begin, size_t n, float* out) const;
  static size_t bytes(size_t n_heads, size_t head_dim, size_t capacity, KvFormat format) noexcept;

 private:
  template <typename Element>
  void write_rows(size_t position, size_t n, const Element* keys, const Element* values);

  size_t n_heads_, head_dim_, capacity_, head_bytes_;
  KvFormat format_;
  std::shared_ptr<std::byte> keys_, values_;
};

}  // namespace hone
