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
  const PanelWidths widths = F16Panels::widths(ks);
  const size_t depth = F16Panels::depth(s.kc);
  if (layout == WeightLayout::kNn) {
    for (size_t k = 0; k < s.kc; k += s.w.packed->lanes) turn_group(ks, s, k, widths, panels);
    return;
  }
  float* columns = scratch<float>(widths.most * s.kc, ScratchSlot::kWide);
  for (size_t n = 0; n < s.cols; n += widths.most) {
    const size_t nr = widths.of(s.cols - n);
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
  const PanelWidths widths = F16Panels::widths(ks);
  if (layout == WeightLayout::kNn) {
    // bf16 rows are paired as they are stored, and so halves of any kind.
    pair_stored_rows(s, ks.pair_rows(FormatId::kBF16), widths, panels);
    return true;
  }
  if (!has_aligned_pairs(s)) return false;
  for (size_t n = 0; n < s.cols; n += widths.most) {
    const size_t nr = widths.of(s.cols - n);
    turn_pairs(ks, s, s.n0 + n, std::min(nr, s.cols - n), nr, panels + n * F16Panels::depth(s.kc));
  }
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

// A slice of W in f32: in the panels of products in f32 with kNt, in rows of all columns with kNn.
class WideSlice {
 public:
  WideSlice(const Kernels& ks, WeightLayout layout, const PanelSlice& s) {
    const bool nt = layout == WeightLayout::kNt;
    const size_t padded = round_up(s.cols, ks.f16->widths.most);
    stride_ = nt ? ks.tile_n : std::max(padded, round_up(s.cols, s.w.format->block_elems));
    step_ = nt ? ks.tile_n * s.kc : ks.tile_n;
    width_ = ks.tile_n;
    data_ = scratch<float>(std::max(padded, stride_) * s.kc, ScratchSlot::kWide);
    if (nt)
      F32Panels::pack(ks, layout, s, reinterpret_cast<uint32_t*>(data_), nullptr);
    else
      unpack_slice(ks, s, data_, stride_);
  }
  // visit(column, columns, their first row) for columns [n, n + count), in steps that lie side by side.
  template <typename Visit>
  void for_each_part(size_t n, size_t count, const Visit& visit) const {
    for (size_t i = 0; i < count; i += width_)
      visit(i, std::min(width_, count - i), data_ + (n + i) / width_ * step_);
  }
  size_t stride() const noexcept { return stride_; }

 private:
  size_t stride_, step_, width_;
  float* data_;
};

// What does not fit, by way of f32.
void pack_widened(const Kernels& ks, WeightLayout layout, const PanelSlice& s, uint32_t* panels,
                  float* factors) {
  static constexpr float kZeros[64] = {};
  const PanelWidths widths = F16Panels::widths(ks);
  HONE_CHECK(widths.most % ks.tile_n == 0);
  const WideSlice wide(ks, layout, s);
  const size_t stride = wide.stride();
  for (size_t n = 0; n < s.cols; n += widths.most, panels += widths.most * F16Panels::depth(s.kc)) {
    const size_t nr = widths.of(s.cols - n);
    float largest = 0;
    wide.for_each_part(n, nr, [&](size_t, size_t count, const float* first) {
      largest = std::max(largest, ks.f16->largest(s.kc, count, stride, first));
    });
    const float scale = f16_scale(largest);
    *factors++ = 1.0f / scale;
    wide.for_each_part(n, nr, [&](size_t column, size_t count, const float* first) {
      for (size_t k = 0; k < s.kc; k += 2)
        ks.f16->pair(count, scale, first + k * stride, k + 1 < s.kc ? first + (k + 1) * stride : kZeros,
                     panels + k / 2 * nr + column);
    });
  }
}

}  // namespace

void F16Panels::pack(const Kernels& ks, WeightLayout layout, const PanelSlice& s, uint32_t* panels,
                     float* factors) {
  if (!pack_unscaled(ks, layout, s, panels)) return pack_widened(ks, layout, s, panels, factors);
  const PanelWidths all = widths(ks);
  const size_t nr = all.most, pairs = nr * depth(s.kc);
  const bool exact = s.w.format->id == FormatId::kF16;
  for (size_t i = 0; i * nr < s.cols; ++i) {
    const size_t n_halves = 2 * all.of(s.cols - i * nr) * depth(s.kc);
    if (scale_panel(*ks.f16, exact, n_halves, reinterpret_cast<uint16_t*>(panels + i * pairs), factors[i]))
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
