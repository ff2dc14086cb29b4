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

  // How far behind the last written position a layer with a window may be written anew.
  static constexpr size_t kMaxBack = 64;

  // For positions below `capacity`. window: 0, or only so many positions before each one will be asked for
  // again, itself among them; then about as many are held, and the others forgotten as writing goes on.
  // Throws kNotSupported when head_dim does not divide into the format's blocks, kResourceExhausted.
  KvLayer(size_t n_heads, size_t head_dim, size_t capacity, KvFormat format, size_t window = 0);
  // Rows [position, position + n) of both, each n_heads * head_dim wide; those before are written, if only up
  // to kMaxBack behind the last that was.
  void write(size_t position, size_t n, const float* keys, const float* values);
  // Whether what the row at `position` sees is held.
  bool holds_for(size_t position) const noexcept;

  // Positions [0, n) of another layer of the same shape, format and window, or without one; as far as this
  // one keeps them. Both hold at least n.
  void copy_from(const KvLayer& other, size_t n);

  KvFormat format() const noexcept { return format_; }
  size_t capacity() const noexcept { return capacity_; }
  // From `position` on, a multiple of 16. f32, f16: [16 positions][D][16] elements. q8_0: groups of
  // packing()->lanes interleaved rows.
  const std::byte* keys(size_t head, size_t position) const noexcept { return at(keys_, head, position); }
  // From `position` on: [positions][D] elements.
  const std::byte* values(size_t head, size_t position) const noexcept { return at(values_, head, position); }
  // Bytes of one position of a head.
  size_t row_bytes() const noexcept { return row_bytes_; }
  // The products with interleaved keys; null unless q8_0.
  const PackedKernels* packing() const noexcept { return packing_; }
  // Positions [begin, begin + n) of a head as f32: keys to [n / 16][D][16] (begin a multiple of 16, n rounded
  // up), values to [n][D].
  void decode_keys(size_t head, size_t begin, size_t n, float* out) const;
  void decode_values(size_t head, size_t begin, size_t n, float* out) const;
  static size_t bytes(size_t n_heads, size_t head_dim, size_t capacity, KvFormat format,
                      size_t window = 0) noexcept;

 private:
  std::byte* at(const std::shared_ptr<std::byte>& memory, size_t head, size_t position) const noexcept {
    return memory.get() + head * head_bytes_ + (position - first_) * row_bytes_;
  }
  void hold(size_t n_rows);
  // Room for rows [position, position + n): forgets what no row from `position` on sees, grows where that
  // does not suffice. Returns how many of the rows need not be written.
  size_t make_room(size_t position, size_t n);
  // Moves what is held to a beginning of `first`, with room for n_rows.
  void move_to(size_t first, size_t end, size_t n_rows);
  // The first position that has to be held for the rows from `position` on, a multiple of 16.
  size_t first_needed(size_t position) const noexcept;
  template <typename Element>
  void write_rows(size_t position, size_t n, const Element* keys, const Element* values);
  void write_halves(size_t position, size_t n, const float* keys, const float* values);
  void write_q8_0(size_t position, const float* key, const float* value);

  size_t n_heads_, head_dim_, capacity_, window_, row_bytes_ = 0, head_bytes_ = 0;
  size_t first_ = 0, held_ = 0;  // positions [first_, first_ + held_) have room; 0 unless there is a window
  KvFormat format_;
  const PackedKernels* packing_ = nullptr;
  std::shared_ptr<std::byte> keys_, values_;
};

}  // namespace hone
