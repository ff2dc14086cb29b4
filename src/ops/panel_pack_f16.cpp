// Panels of products in f16, each with a scale of its own.
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/round.h"
#include "ops/panel_pack.h"
#include "ops/scratch.h"
#include "ops/unpack.h"

namespace hone {
namespace {

// Numbers whose largest is at least this become halves unscaled: the smallest step of a half, 2^-24, is then
// at most 2^-14 of it.
constexpr float kF16Exact = 1.0f / 1024;

// Interleaved rows in f16 as they are, unscaled.
void pack_interleaved(const Kernels& ks, WeightLayout layout, const PanelSlice& s, uint32_t* panels) {
  const size_t nr = ks.f16->tile_n, depth = F16Panels::depth(s.kc);
  if (layout == WeightLayout::kNn) {
    for (size_t k = 0; k < s.kc; k += s.w.packed->lanes) turn_group(ks, s, k, nr, panels);
    return;
  }
  float* columns = scratch<float>(nr * s.kc, ScratchSlot::kWide);
  for (size_t n = 0; n < s.cols; n += nr) {
    unpack_columns(s.w, s.n0 + n, std::min(nr, s.cols - n), s.k0, s.kc, nr, columns);
    for (size_t p = 0; p < depth; ++p, panels += nr)
      ks.f16->pair(nr, 1.0f, columns + 2 * p * nr, columns + (2 * p + 1) * nr, panels);
  }
}

// Panels unscaled, if that costs nothing.
bool pack_unscaled(const Kernels& ks, WeightLayout layout, const PanelSlice& s, uint32_t* panels) {
  if (s.w.packed != nullptr) {
    if (layout == WeightLayout::kNn ? !has_whole_groups(s) : s.kc % 2 != 0) return false;
    pack_interleaved(ks, layout, s, panels);
    return true;
  }
  if (s.w.format->id != FormatId::kF16) return false;
  const size_t nr = ks.f16->tile_n;
  if (layout == WeightLayout::kNn) {
    // bf16 rows are paired as they are stored, and so halves of any kind.
    pair_stored_rows(s, ks.pair_rows(FormatId::kBF16), nr, panels);
    return true;
  }
  if (!has_aligned_pairs(s)) return false;
  for (size_t n = 0; n < s.cols; n += nr)
    turn_pairs(ks, s, s.n0 + n, std::min(nr, s.cols - n), nr, panels + n * F16Panels::depth(s.kc));
  return true;
}

// Scales a panel where it must be; false if what f16 does not hold was lost before.
bool scale_panel(const F16Kernels& f16, bool exact, size_t n_halves, uint16_t* panel, float& factor) {
  const float largest = f16.largest_half(n_halves, panel);
  if (!exact && !(largest >= kF16Exact && std::isfinite(largest))) return false;
  const bool fits = largest >= kF16Smallest && largest <= kF16Largest;
  const float scale = fits ? 1.0f : f16_scale(largest);
  if (scale != 1.0f) f16.scale_halves(n_halves, scale, panel);
  factor = 1.0f / scale;
  return true;
}

// What does not fit, by way of f32: panels with kNt, rows of all columns with kNn.
void pack_widened(const Kernels& ks, WeightLayout layout, const PanelSlice& s, uint32_t* panels,
                  float* factors) {
  static constexpr float kZeros[64] = {};
  const size_t nr = ks.f16->tile_n, pairs = F16Panels::depth(s.kc), padded = round_up(s.cols, nr);
  HONE_CHECK(nr == ks.tile_n);
  const bool nt = layout == WeightLayout::kNt;
  const size_t stride = nt ? nr : std::max(padded, round_up(s.cols, s.w.format->block_elems));
  float* wide = scratch<float>(std::max(padded, stride) * s.kc, ScratchSlot::kWide);
  if (nt)
    F32Panels::pack(ks, layout, s, reinterpret_cast<uint32_t*>(wide), nullptr);
  else
    unpack_slice(ks, s, wide, stride);
  for (size_t n = 0; n < s.cols; n += nr, panels += nr * pairs) {
    const float* first = nt ? wide + n * s.kc : wide + n;
    const float scale = f16_scale(ks.f16->largest(s.kc, nr, stride, first));
    *factors++ = 1.0f / scale;
    for (size_t k = 0; k < s.kc; k += 2)
      ks.f16->pair(nr, scale, first + k * stride, k + 1 < s.kc ? first + (k + 1) * stride : kZeros,
                   panels + k / 2 * nr);
  }
}

}  // namespace

void F16Panels::pack(const Kernels& ks, WeightLayout layout, const PanelSlice& s, uint32_t* panels,
                     float* factors) {
  if (!pack_unscaled(ks, layout, s, panels)) return pack_widened(ks, layout, s, panels, factors);
  const size_t nr = ks.f16->tile_n, pairs = nr * depth(s.kc);
  const bool exact = s.w.format->id == FormatId::kF16;
  for (size_t i = 0; i * nr < s.cols; ++i) {
    if (scale_panel(*ks.f16, exact, 2 * pairs, reinterpret_cast<uint16_t*>(panels + i * pairs), factors[i]))
      continue;
    // Only this panel, where columns may begin there: which others it is packed with must not matter.
    PanelSlice one = s;
    one.n0 += i * nr;
    one.cols = std::min(nr, s.cols - i * nr);
    if (layout == WeightLayout::kNn && one.n0 % s.w.format->block_elems != 0)
      return pack_widened(ks, layout, s, panels, factors);
    pack_widened(ks, layout, one, panels + i * pairs, factors + i);
  }
}

}  // namespace hone
