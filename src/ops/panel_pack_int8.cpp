// Panels of products in int8, of weights in any format. The bytes that are read next are asked for while
// others become codes: asked for during the tiles of a slice before, they would have left the L2 cache again.
#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "base/round.h"
#include "ops/panel_pack.h"
#include "ops/scratch.h"
#include "ops/unpack.h"

namespace hone {
namespace {

constexpr size_t kColumns = 96;  // unpacked at a time, unless blocks are longer
constexpr size_t kAll = ~size_t{0};

// Columns [n, n + width) of the slice.
PanelSlice columns_of(const PanelSlice& s, size_t n, size_t width) {
  return {s.w, s.n0 + n, std::min(width, s.cols - n), s.k0, s.kc};
}

// One row of W becomes one column of the panel.
void pack_nt(const Kernels& ks, const PanelSlice& s, uint32_t* panels, float* factors) {
  const Int8Kernels& int8 = *ks.int8();
  const size_t width = int8.panel_cols, quads = s.kc / 4, runs = s.kc / 32;
  auto* codes = scratch<uint32_t>(width * quads, ScratchSlot::kPairs);
  float* d = scratch<float>(width * runs, ScratchSlot::kOdd);
  float* row = scratch<float>(s.kc, ScratchSlot::kWide);
  auto* sums = scratch<int32_t>(2 * runs, ScratchSlot::kDecoded);
  for (size_t n = 0; n < s.cols; n += width, panels += quads * width, factors += Int8Panels::n_factors(ks)) {
    const PanelSlice part = columns_of(s, n, width);
    if (n + width < s.cols) SliceAhead(WeightLayout::kNt, columns_of(s, n + width, width)).ask(kAll);
    for (size_t r = 0; r < part.cols; ++r) {
      decode_elements(s.w, part.n0 + r, s.k0, s.kc, row);
      ks.quantize_int8(s.kc, row, reinterpret_cast<int8_t*>(codes + r * quads), d + r * runs, sums);
    }
    std::memset(codes + part.cols * quads, 0, (width - part.cols) * quads * sizeof(uint32_t));
    std::memset(d + part.cols * runs, 0, (width - part.cols) * runs * sizeof(float));
    for (size_t i = 0; i < part.cols * quads; ++i) codes[i] ^= int8.code_flip;
    ks.transpose32(width, quads, codes, quads, panels, width);
    ks.transpose32(width, runs, reinterpret_cast<const uint32_t*>(d), runs,
                   reinterpret_cast<uint32_t*>(factors), width);
  }
}

// Where the codes of a slice's column n go, from its row k on, and which of the columns of a panel that is.
struct PanelPlace {
  Int8Panel panel;
  size_t column;
};
PanelPlace place_of(const Kernels& ks, const PanelSlice& s, size_t k, size_t n, uint32_t* panels,
                    float* factors) {
  const size_t width = ks.int8()->panel_cols, idx = n / width;
  auto* codes = reinterpret_cast<uint8_t*>(panels + idx * width * Int8Panels::depth(s.kc) + k / 4 * width);
  float* scales = factors + idx * Int8Panels::n_factors(ks) + k / Int8Panels::kStepK * width;
  return {{codes, scales, nullptr}, n % width};
}

// A run of K at a time: of so many rows of W what was unpacked is still in the L1 cache when it is encoded.
// Stored floats are encoded as they stand.
void pack_nn(const Kernels& ks, const PanelSlice& s, uint32_t* panels, float* factors) {
  constexpr size_t kRun = Int8Panels::kStepK;
  const Int8Kernels& int8 = *ks.int8();
  const size_t step = round_up(kColumns, s.w.format->block_elems);
  const EncodeColumns encode_stored = int8.encode(s.w.format->id), encode = int8.encode(FormatId::kF32);
  auto* wide = scratch<float>(step * kRun, ScratchSlot::kWide);
  for (size_t n = 0; n < s.cols; n += step)
    for (size_t k = 0; k < s.kc; k += kRun) {
      const PanelSlice part{s.w, s.n0 + n, std::min(step, s.cols - n), s.k0 + k, kRun};
      if (k + kRun < s.kc)
        SliceAhead(WeightLayout::kNn, {s.w, part.n0, part.cols, part.k0 + kRun, kRun}).ask(kAll);
      // Whole vectors of stored floats; what is left is padded when it is unpacked.
      const size_t whole = encode_stored == nullptr ? 0 : part.cols / int8.lanes * int8.lanes;
      const std::byte* stored = s.w.data + part.k0 * s.w.row_bytes() + s.w.format->bytes(part.n0);
      for (size_t i = 0; i < whole; i += int8.lanes) {
        const PanelPlace at = place_of(ks, s, k, n + i, panels, factors);
        encode_stored(kRun, stored + s.w.format->bytes(i), s.w.row_bytes(), at.panel, at.column);
      }
      if (whole == part.cols) continue;
      unpack_slice(ks, {s.w, part.n0 + whole, part.cols - whole, part.k0, kRun}, wide, step);
      for (size_t i = whole; i < part.cols; i += int8.lanes) {
        const PanelPlace at = place_of(ks, s, k, n + i, panels, factors);
        encode(kRun, reinterpret_cast<const std::byte*>(wide + i - whole), step * sizeof(float), at.panel,
               at.column);
      }
    }
}

}  // namespace

void Int8Panels::pack(const Kernels& ks, WeightLayout layout, const PanelSlice& s, uint32_t* panels,
                      float* factors) {
  HONE_CHECK(s.kc % kStepK == 0);
  (layout == WeightLayout::kNt ? pack_nt : pack_nn)(ks, s, panels, factors);
}

}  // namespace hone
