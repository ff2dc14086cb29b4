#include "kernels/amx/tile_amx.h"
#include "kernels/tables.h"

namespace hone {

// AVX-512's, with other products in bf16, which leave nothing to win for those of int8.
const Kernels& amx_kernels() noexcept {
  static const Kernels kernels = [] {
    Kernels table = avx512_kernels();
    table.isa = Isa::kAmx;
    table.tile_m_bf16 = amx::kTileM;
    table.tile_n_bf16 = amx::kTileN;
    // A register's rows are read out of the L1 cache: 18 KB of them stay there, columns come from the L2.
    table.bf16_block_m = amx::kTileM;
    table.bf16_slice_k = 288;
    table.tile_bf16 = amx::tile_bf16;
    table.outer_bf16 = amx::outer_bf16;
    table.bf16_outruns_int8 = true;
    table.int8 = []() noexcept -> const Int8Kernels* { return nullptr; };
    return table;
  }();
  return kernels;
}

}  // namespace hone
