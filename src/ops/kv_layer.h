// Keys and values of one layer of a growing sequence. Keys are kept in blocks of 16 positions, transposed, so
// that one vector holds one dimension of 16 keys (q8_0: four dimensions, interleaved as weights are,
// kernels/packed.h); values row by row. Each head's part is contiguous.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "ops/tensor.h"

namespace hone {

struct PackedKernels;

enum class KvFormat {
  kF32,
  kF16,
  kQ8_0,  // 34 bytes for 32 dimensions of a position: int8 codes with one f16 scale
};
const char* kv_format_name(KvFormat format) noexcept;
// Throws kInvalidArgument naming the known formats.
KvFormat kv_format_named(std::string_view name);

class KvLayer {
 public:
  static constexpr size_t kBlock = 16;

  // Throws kNotSupported when head_dim does not divide into the format's blocks, kResourceExhausted.
  KvLayer(size_t n_heads, size_t head_dim, size_t capacity, KvFormat format);
  // Rows [position, position + n) of both, each n_heads * head_dim wide.
  void write(size_t position, size_t n, const float* keys, const float* values);

  // Positions [0, n) of another layer of the same shape and format; both hold at least n.
  void copy_from(const KvLayer& other, size_t n);

  KvFormat format() const noexcept { return format_; }
  size_t capacity() const noexcept { return capacity_; }
  // f32, f16: [capacity / 16][D][16] elements. q8_0: groups of packing()->lanes interleaved rows.
  const std::byte* keys(size_t head) const noexcept { return keys_.get() + head * head_bytes_; }
  // [capacity][D] elements.
  const std::byte* values(size_t head) const noexcept { return values_.get() + head * head_bytes_; }
  // Bytes of one position of a head.
  size_t row_bytes() const noexcept { return row_bytes_; }
  // The products with interleaved keys; null unless q8_0.
  const PackedKernels* packing() const noexcept { return packing_; }
  // Positions [begin, begin + n) of a head as f32: keys to [n / 16][D][16] (begin a multiple of 16, n rounded
  // up), values to [n][D].
  void decode_keys(size_t head, size_t begin, size_t n, float* out) const;
  void decode_values(size_t head, size_t begin, size_t n, float* out) const;
  static size_t bytes(size_t n_heads, size_t head_dim, size_t capacity, KvFormat format) noexcept;

 private:
  template <typename Element>
  void write_rows(size_t position, size_t n, const Element* keys, const Element* values);
  void write_halves(size_t position, size_t n, const float* keys, const float* values);
  void write_q8_0(size_t position, const float* key, const float* value);

  size_t n_heads_, head_dim_, capacity_, row_bytes_, head_bytes_;
  KvFormat format_;
  const PackedKernels* packing_ = nullptr;
  std::shared_ptr<std::byte> keys_, values_;
};

}  // namespace hone
