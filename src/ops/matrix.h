// Stored matrices as the products see them: rows of any weight format, one after another, or interleaved for
// the active instruction set (kernels/packed.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "formats/format.h"
#include "ops/tensor.h"

namespace hone {

struct PackedKernels;
class ThreadPool;

struct MatrixView {
  const Format* format = nullptr;
  const std::byte* data = nullptr;
  size_t rows = 0, cols = 0;
  const PackedKernels* packed = nullptr;  // null: rows as the format stores them, contiguous
  size_t row_bytes() const noexcept { return format->bytes(cols); }
};
MatrixView f32_view(const float* data, size_t rows, size_t cols);
inline MatrixView f32_view(const Tensor& t) {
  return f32_view(t.data(), t.rows(), t.cols());
}

// How the active instruction set wants rows of this format; nullptr: as they are stored.
const PackedKernels* packing_of(const Format& format) noexcept;
// Bytes of an interleaved matrix: a multiple of the group's rows.
size_t packed_bytes(const PackedKernels& packed, const Format& format, size_t rows, size_t cols) noexcept;
// Interleaves `stored` (row-major) into out (packed_bytes) and returns its view. pool: shares the work; null:
// the calling thread does it alone.
MatrixView pack_matrix(const PackedKernels& packed, const MatrixView& stored, std::byte* out,
                       ThreadPool* pool);

// Elements [begin, begin + n) of a row as f32, begin and n on block boundaries.
void decode_elements(const MatrixView& w, size_t row, size_t begin, size_t n, float* out);

}  // namespace hone
