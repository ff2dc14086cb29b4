#include "ops/panel_pack.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "base/round.h"
#include "ops/scratch.h"
#include "ops/unpack.h"

namespace hone {
namespace {

// Elements [begin, begin + n) of a row that is not interleaved, in bf16.
void row_halves(const Kernels& ks, const MatrixView& w, size_t row, size_t begin, size_t n, uint16_t* out) {
  if (const HalfRow convert = ks.half_row(w.format->id))
    return convert(w.data + row * w.row_bytes() + w.format->bytes(begin), out, n);
  float* line = scratch<float>(n, ScratchSlot::kOdd);
  decode_elements(w, row, begin, n, line);
  ks.f32_to_bf16(n, line, out);
}

// Rows k and k + 1 of the slice into one row of pairs of every panel, of formats that have to be decoded
// first.
void pair_decoded_rows(const Kernels& ks, const PanelSlice& s, size_t k, size_t stored, uint32_t* panels) {
  const size_t nr = ks.tile_n_bf16, depth = Bf16Panels::depth(s.kc),
               stride = std::max(stored, round_up(s.cols, nr));
  float* even = scratch<float>(2 * stride, ScratchSlot::kPairs);
  float* odd = even + stride;
  decode_elements(s.w, s.k0 + k, s.n0, stored, even);
  if (k + 1 < s.kc) decode_elements(s.w, s.k0 + k + 1, s.n0, stored, odd);
  if (k + 1 == s.kc) std::fill(odd, odd + stride, 0.0f);
  for (float* row : {even, odd}) std::fill(row + s.cols, row + stride, 0.0f);
  for (size_t n = 0; n < s.cols; n += nr)
    ks.pair_bf16(nr, even + n, odd + n, panels + n * depth + k / 2 * nr);
}

// Rows [n, n + width) of W, stored as halves, along a slice of K: pairs of them are turned as they stand.
bool turn_halves(const Kernels& ks, const PanelSlice& s, size_t n, size_t width, float* panel) {
  const SplitPairs split = s.w.packed == nullptr ? ks.split_pairs(s.w.format->id) : nullptr;
  if (split == nullptr || !has_aligned_pairs(s)) return false;
  const size_t nr = ks.tile_n, pairs = s.kc / 2;
  auto* turned = scratch<uint32_t>(pairs * nr, ScratchSlot::kDecoded);
  turn_pairs(ks, s, n, width, nr, turned);
  split(pairs, nr, turned, panel);
  return true;
}

void pack_f32_nt(const Kernels& ks, const PanelSlice& s, uint32_t* panels) {
  const size_t nr = ks.tile_n;
  for (size_t n = 0; n < s.cols; n += nr, panels += nr * s.kc) {
    const size_t width = std::min(nr, s.cols - n);
    if (s.w.packed != nullptr) {
      unpack_columns(s.w, s.n0 + n, width, s.k0, s.kc, nr, reinterpret_cast<float*>(panels));
      continue;
    }
    if (turn_halves(ks, s, s.n0 + n, width, reinterpret_cast<float*>(panels))) continue;
    float* rows = scratch<float>(nr * s.kc, ScratchSlot::kDecoded);
    for (size_t r = 0; r < width; ++r) decode_elements(s.w, s.n0 + n + r, s.k0, s.kc, rows + r * s.kc);
    std::memset(rows + width * s.kc, 0, (nr - width) * s.kc * sizeof(float));
    ks.transpose32(nr, s.kc, reinterpret_cast<const uint32_t*>(rows), s.kc, panels, nr);
  }
}

void pack_f32_nn(const Kernels& ks, const PanelSlice& s, uint32_t* panels) {
  const size_t nr = ks.tile_n, padded = round_up(s.cols, nr);
  const size_t stored = round_up(s.cols, s.w.format->block_elems), stride = std::max(padded, stored);
  float* rows = scratch<float>(kRowsAtOnce * stride, ScratchSlot::kPairs);
  for (size_t k = 0; k < s.kc; k += kRowsAtOnce) {
    const size_t n_rows = std::min(kRowsAtOnce, s.kc - k);
    unpack_rows(ks, s.w, s.k0 + k, n_rows, s.n0, stored, rows, stride);
    for (size_t r = 0; r < n_rows; ++r) {
      std::fill(rows + r * stride + s.cols, rows + r * stride + padded, 0.0f);
      for (size_t n = 0; n < padded; n += nr)
        std::memcpy(panels + n * s.kc + (k + r) * nr, rows + r * stride + n, nr * sizeof(float));
    }
  }
}

void pack_bf16_nt(const Kernels& ks, const PanelSlice& s, uint32_t* panels) {
  const size_t nr = ks.tile_n_bf16, pairs = Bf16Panels::depth(s.kc);
  for (size_t n = 0; n < s.cols; n += nr, panels += nr * pairs) {
    const size_t width = std::min(nr, s.cols - n);
    if (s.w.packed != nullptr) {
      unpack_paired_columns(s.w, s.n0 + n, width, s.k0, s.kc, nr, panels);
      continue;
    }
    auto* rows = scratch<uint32_t>(nr * pairs, ScratchSlot::kPairs);
    for (size_t r = 0; r < width; ++r) {
      auto* halves = reinterpret_cast<uint16_t*>(rows + r * pairs);
      row_halves(ks, s.w, s.n0 + n + r, s.k0, s.kc, halves);
      if (s.kc % 2 != 0) halves[s.kc] = 0;
    }
    std::memset(rows + width * pairs, 0, (nr - width) * pairs * sizeof(uint32_t));
    ks.transpose32(nr, pairs, rows, pairs, panels, nr);
  }
}

void pack_bf16_nn(const Kernels& ks, const PanelSlice& s, uint32_t* panels) {
  if (const PairRows pair = ks.pair_rows(s.w.format->id)) {
    pair_stored_rows(s, pair, Bf16Panels::widths(ks), panels);
    return;
  }
  const size_t stored = round_up(s.cols, s.w.format->block_elems);
  if (has_whole_groups(s)) {
    for (size_t k = 0; k < s.kc; k += s.w.packed->lanes) turn_group(ks, s, k, Bf16Panels::widths(ks), panels);
    return;
  }
  for (size_t k = 0; k < s.kc; k += 2) pair_decoded_rows(ks, s, k, stored, panels);
}

}  // namespace

SliceAhead::SliceAhead(WeightLayout layout, const PanelSlice& s) {
  const MatrixView& w = s.w;
  const bool nt = layout == WeightLayout::kNt;
  const size_t row = nt ? s.n0 : s.k0, n_rows = nt ? s.cols : s.kc, begin = nt ? s.k0 : s.n0;
  const size_t end = std::min(w.cols, begin + (nt ? s.kc : s.cols));
  const size_t lanes = w.packed != nullptr ? w.packed->lanes : 1;
  at_ = first_ = w.data + row / lanes * lanes * w.row_bytes() + lanes * w.format->bytes(begin);
  stride_ = lanes * w.row_bytes();
  strip_ = lanes * w.format->bytes(round_up(end - begin, w.format->block_elems));
  n_strips_ = (n_rows + lanes - 1) / lanes;
}

void SliceAhead::ask(size_t n_lines) noexcept {
  for (; n_lines > 0 && n_strips_ > 0; --n_lines) {
    __builtin_prefetch(at_, 0, 2);
    at_ += kLine;
    if (at_ < first_ + strip_) continue;
    at_ = first_ += stride_;
    --n_strips_;
  }
}

void F32Panels::pack(const Kernels& ks, WeightLayout layout, const PanelSlice& s, uint32_t* panels, float*) {
  (layout == WeightLayout::kNt ? pack_f32_nt : pack_f32_nn)(ks, s, panels);
}

void Bf16Panels::pack(const Kernels& ks, WeightLayout layout, const PanelSlice& s, uint32_t* panels, float*) {
  (layout == WeightLayout::kNt ? pack_bf16_nt : pack_bf16_nn)(ks, s, panels);
}

}  // namespace hone
