#include "ops/matrix.h"

#include <array>

#include "base/error.h"
#include "base/threads.h"
#include "kernels/kernels.h"
#include "kernels/packed_layout.h"

namespace hone {

MatrixView f32_view(const float* data, size_t rows, size_t cols) {
  static const Format& f32 = format_of(FormatId::kF32);
  return {&f32, reinterpret_cast<const std::byte*>(data), rows, cols};
}

const PackedKernels* packing_of(const Format& format) noexcept {
  return packed_layout(format.id) != nullptr ? active_kernels().packed(format.id) : nullptr;
}

size_t packed_bytes(const PackedKernels& packed, const Format& format, size_t rows, size_t cols) noexcept {
  return (rows + packed.lanes - 1) / packed.lanes * packed.lanes * format.bytes(cols);
}

MatrixView pack_matrix(const PackedKernels& packed, const MatrixView& stored, std::byte* out,
                       ThreadPool* pool) {
  HONE_CHECK(stored.packed == nullptr && stored.cols % stored.format->block_elems == 0);
  const PackedLayout& layout = *packed_layout(stored.format->id);
  const size_t lanes = packed.lanes, row_bytes = stored.row_bytes();
  run_on(pool, (stored.rows + lanes - 1) / lanes, [&](size_t group, int) {
    std::array<const std::byte*, 16> rows{};
    const size_t first = group * lanes, n = std::min(lanes, stored.rows - first);
    for (size_t r = 0; r < n; ++r) rows[r] = stored.data + (first + r) * row_bytes;
    pack_rows(layout, lanes, stored.cols / stored.format->block_elems, std::span(rows).first(n),
              out + first * row_bytes);
  });
  return {stored.format, out, stored.rows, stored.cols, &packed};
}

void decode_elements(const MatrixView& w, size_t row, size_t begin, size_t n, float* out) {
  const Format& f = *w.format;
  if (w.packed == nullptr) {
    active_kernels().decode_row(f.id)(w.data + row * w.row_bytes() + begin / f.block_elems * f.block_bytes,
                                      out, n);
    return;
  }
  const PackedLayout& layout = *packed_layout(f.id);
  const size_t lanes = w.packed->lanes;
  const std::byte* group = w.data + row / lanes * lanes * w.row_bytes();
  std::byte block[256];
  HONE_CHECK(f.block_bytes <= sizeof block);
  for (size_t i = 0; i < n / f.block_elems; ++i) {
    unpack_row(layout, lanes, group, row % lanes, begin / f.block_elems + i, 1, block);
    f.to_float(block, out + i * f.block_elems, f.block_elems);
  }
}

}  // namespace hone
