// The machine's own limits, measured by small loops: what a perfect program could reach here.
#pragma once

#include <algorithm>

namespace hone::cli {

struct MachineLimits {
  double f32_gflops = 0;
  double bf16_gflops = 0;  // 0: no bf16 products on this processor (or not with the active ISA)
  double f16_gflops = 0;   // 0: no f16 products
  double i16_gops = 0;     // 0: no products in 16-bit fixed point
  double int8_gops = 0;    // 0: no int8 dot products
  double read_gb_s = 0;    // streaming read of memory
  // 1e9 operations a second of the fastest products of numbers that are not quantized.
  double floats() const { return std::max({f32_gflops, bf16_gflops, f16_gflops, i16_gops}); }
};

// All threads together, median of a few runs; takes about two seconds.
MachineLimits measure_machine(int n_threads);

}  // namespace hone::cli
