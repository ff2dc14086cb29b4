// Panels of products in 16-bit fixed point.
#include <algorithm>

#include "base/error.h"
#include "base/round.h"
#include "ops/panel_pack.h"
#include "ops/scratch.h"
#include "ops/unpack.h"

namespace hone {
namespace {

// Columns unpacked at a time, unless blocks are longer: a slice of them in f32 is 144 KB.
constexpr size_t kColumns = 64;

}  // namespace

void I16Panels::pack(const Kernels& ks, WeightLayout layout, const PanelSlice& s, uint32_t* panels,
                     float* factors) {
  const size_t nr = ks.i16->tile_n;
  const bool nt = layout == WeightLayout::kNt;
  HONE_CHECK(nr == ks.tile_n);
  const size_t step = nt ? nr : round_up(kColumns, s.w.format->block_elems);
  for (size_t n = 0; n < s.cols; n += step) {
    PanelSlice part = s;
    part.n0 += n;
    part.cols = std::min(step, s.cols - n);
    auto* wide = scratch<float>(step * s.kc, ScratchSlot::kWide);
    if (nt)
      F32Panels::pack(ks, layout, part, reinterpret_cast<uint32_t*>(wide), nullptr);
    else
      unpack_slice(ks, part, wide, step);
    for (size_t i = 0; i < part.cols; i += nr, panels += nr * depth(s.kc), factors += nr)
      ks.i16->encode_panel(s.kc, wide + i, step, panels, factors);
  }
}

}  // namespace hone
