// Panels of products in int8, of weights in any format.
#include <algorithm>

#include "base/error.h"
#include "base/round.h"
#include "ops/panel_pack.h"
#include "ops/scratch.h"
#include "ops/unpack.h"

namespace hone {
namespace {

constexpr size_t kColumns = 96;  // unpacked at a time, unless blocks are longer

}  // namespace

// A run of K at a time: so many rows of W are still in the L1 cache when they are encoded.
void Int8Panels::pack(const Kernels& ks, WeightLayout layout, const PanelSlice& s, uint32_t* panels,
                      float* factors) {
  HONE_CHECK(layout == WeightLayout::kNn && s.kc % kStepK == 0);
  const Int8Kernels& int8 = *ks.int8();
  const size_t width = int8.panel_cols, step = round_up(kColumns, s.w.format->block_elems);
  auto* wide = scratch<float>(step * kStepK, ScratchSlot::kWide);
  for (size_t n = 0; n < s.cols; n += step)
    for (size_t k = 0; k < s.kc; k += kStepK) {
      const PanelSlice part{s.w, s.n0 + n, std::min(step, s.cols - n), s.k0 + k, kStepK};
      unpack_slice(ks, part, wide, step);
      for (size_t i = 0; i < part.cols; i += int8.lanes) {
        const size_t panel = (n + i) / width;
        auto* codes = reinterpret_cast<uint8_t*>(panels + panel * width * depth(s.kc) + k / 4 * width);
        float* scales = factors + panel * n_factors(ks) + k / kStepK * width;
        int8.encode(kStepK, wide + i, step, {codes, scales, nullptr}, (n + i) % width);
      }
    }
}

}  // namespace hone
