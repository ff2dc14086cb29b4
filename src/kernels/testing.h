// What the tests of kernels share. Included by tests only.
#pragma once

#include <limits>
#include <vector>

#include "base/rng.h"
#include "kernels/tables.h"

namespace hone::testing {

inline constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

inline std::vector<const Kernels*> vector_tables() {
  std::vector<const Kernels*> tables;
#if defined(HONE_EMULATE_AVX512)
  return {&avx512_kernels(), &amx_kernels()};  // this program was built over an emulation of the instructions
#endif
  for (const Isa isa : all_isas())
    if (isa != Isa::kScalar && isa_supported(isa)) tables.push_back(kernels_for(isa));
  return tables;
}

inline const Kernels& oracle() {
  return *kernels_for(Isa::kScalar);
}

inline std::vector<const Kernels*> all_tables() {
  std::vector<const Kernels*> tables = vector_tables();
  tables.push_back(&oracle());
  return tables;
}

inline std::vector<float> normals(Rng& rng, size_t n, double scale = 1.0) {
  std::vector<float> x(n);
  for (float& v : x) v = static_cast<float>(rng.normal() * scale);
  return x;
}

}  // namespace hone::testing
