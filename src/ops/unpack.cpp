#include "ops/unpack.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "base/round.h"
#include "ops/halves.h"
#include "ops/scratch.h"

namespace hone {
namespace {

// The first block that a slice of a group of interleaved rows starts with.
const std::byte* packed_slice(const MatrixView& w, size_t row, size_t begin) {
  return w.data + row / w.packed->lanes * w.packed->lanes * w.row_bytes() +
         w.packed->lanes * w.format->bytes(begin);
}

}  // namespace

void unpack_columns(const MatrixView& w, size_t n, size_t width, size_t k0, size_t kc, size_t nr,
                    float* out) {
  for (size_t i = 0; i < nr; i += w.packed->lanes) {
    if (i < width)
      w.packed->unpack_f32(kc, packed_slice(w, n + i, k0), out + i, nr);
    else
      for (size_t k = 0; k < kc; ++k) std::memset(out + k * nr + i, 0, w.packed->lanes * sizeof(float));
  }
}

void unpack_paired_columns(const MatrixView& w, size_t n, size_t width, size_t k0, size_t kc, size_t nr,
                           uint32_t* out) {
  HONE_CHECK(w.packed->unpack_pairs != nullptr && kc % 2 == 0);
  for (size_t i = 0; i < nr; i += w.packed->lanes) {
    if (i < width)
      w.packed->unpack_pairs(kc, packed_slice(w, n + i, k0), out + i, nr);
    else
      for (size_t p = 0; p < kc / 2; ++p)
        std::memset(out + p * nr + i, 0, w.packed->lanes * sizeof(uint32_t));
  }
}

void unpack_rows(const Kernels& ks, const MatrixView& w, size_t k0, size_t n_rows, size_t n0, size_t cols,
                 float* out, size_t stride) {
  if (w.packed == nullptr || w.packed->lanes > n_rows) {
    for (size_t r = 0; r < n_rows; ++r) decode_elements(w, k0 + r, n0, cols, out + r * stride);
    return;
  }
  const size_t lanes = w.packed->lanes;
  float* turned = scratch<float>(cols * lanes, ScratchSlot::kDecoded);
  for (size_t r = 0; r < n_rows; r += lanes) {
    const size_t n = std::min(lanes, n_rows - r);
    w.packed->unpack_f32(cols, packed_slice(w, k0 + r, n0), turned, lanes);
    ks.transpose32(cols, n, reinterpret_cast<const uint32_t*>(turned), lanes,
                   reinterpret_cast<uint32_t*>(out + r * stride), stride);
  }
}

void unpack_slice(const Kernels& ks, const PanelSlice& s, float* out, size_t stride) {
  const size_t stored = round_up(s.cols, s.w.format->block_elems);
  for (size_t k = 0; k < s.kc; k += kRowsAtOnce) {
    const size_t n_rows = std::min(kRowsAtOnce, s.kc - k);
    float* rows = out + k * stride;
    unpack_rows(ks, s.w, s.k0 + k, n_rows, s.n0, stored, rows, stride);
    for (size_t r = 0; r < n_rows; ++r) std::fill(rows + r * stride + s.cols, rows + (r + 1) * stride, 0.0f);
  }
}

void pair_stored_rows(const PanelSlice& s, PairRows pair, PanelWidths widths, uint32_t* panels) {
  static constexpr std::byte kZeros[64 * sizeof(float)] = {};
  const size_t depth = (s.kc + 1) / 2, elem = s.w.format->bytes(1);
  for (size_t k = 0; k < s.kc; k += 2) {
    const std::byte* even = s.w.data + (s.k0 + k) * s.w.row_bytes() + s.n0 * elem;
    const std::byte* odd = even + s.w.row_bytes();
    for (size_t n = 0; n < s.cols; n += widths.most) {
      const size_t nr = widths.of(s.cols - n), width = std::min(nr, s.cols - n);
      uint32_t* out = panels + n * depth + k / 2 * nr;
      pair(even + n * elem, k + 1 < s.kc ? odd + n * elem : kZeros, out, width);
      if (width < nr) std::memset(out + width, 0, (nr - width) * sizeof(uint32_t));
    }
  }
}

bool has_aligned_pairs(const PanelSlice& s) noexcept {
  const std::byte* first = s.w.data + s.w.format->bytes(s.k0);
  return s.kc % 2 == 0 && (reinterpret_cast<uintptr_t>(first) | s.w.row_bytes()) % sizeof(uint32_t) == 0;
}

void turn_pairs(const Kernels& ks, const PanelSlice& s, size_t n, size_t width, size_t nr, uint32_t* panel) {
  const std::byte* first = s.w.data + n * s.w.row_bytes() + s.w.format->bytes(s.k0);
  const size_t pairs = s.kc / 2;
  if (width < nr) std::memset(panel, 0, pairs * nr * sizeof(uint32_t));
  ks.transpose32(width, pairs, reinterpret_cast<const uint32_t*>(first), s.w.row_bytes() / sizeof(uint32_t),
                 panel, nr);
}

bool has_whole_groups(const PanelSlice& s) noexcept {
  if (s.w.packed == nullptr) return false;
  const size_t lanes = s.w.packed->lanes;
  return lanes % 2 == 0 && s.k0 % lanes == 0 && s.kc % lanes == 0;
}

void turn_group(const Kernels& ks, const PanelSlice& s, size_t k, PanelWidths widths, uint32_t* panels) {
  const size_t depth = s.kc / 2, lanes = s.w.packed->lanes, n_pairs = lanes / 2;
  const size_t stored = round_up(s.cols, s.w.format->block_elems);
  float* turned = scratch<float>(stored * lanes, ScratchSlot::kDecoded);
  s.w.packed->unpack_f32(stored, packed_slice(s.w, s.k0 + k, s.n0), turned, lanes);
  auto* halves = scratch<uint32_t>(stored * n_pairs, ScratchSlot::kPairs);
  to_halves(ks, stored * lanes, 1.0f, turned, reinterpret_cast<uint16_t*>(halves));
  for (size_t n = 0; n < s.cols; n += widths.most) {
    const size_t nr = widths.of(s.cols - n), width = std::min(nr, s.cols - n);
    uint32_t* out = panels + n * depth + k / 2 * nr;
    ks.transpose32(width, n_pairs, halves + n * n_pairs, n_pairs, out, nr);
    if (width < nr)
      for (size_t p = 0; p < n_pairs; ++p)
        std::memset(out + p * nr + width, 0, (nr - width) * sizeof(uint32_t));
  }
}

}  // namespace hone
