#include "formats/search.h"

#include "base/error.h"
#include "formats/codec.h"

namespace hone::codec {

namespace baseline {
#include "formats/search_body.h"
#include "formats/search_symmetric.h"
#include "formats/search_table.h"
}  // namespace baseline

#ifdef HONE_X86
namespace avx2 {
extern const Searches kTable;
}
#endif

uint16_t half_of(float value) noexcept {
  return to_f16(value);
}

float float_of_half(uint16_t half) noexcept {
  return from_f16(half);
}

const Searches* searches_for(Isa isa) noexcept {
  if (isa == Isa::kScalar) return &baseline::kTable;
#ifdef HONE_X86
  if (isa == Isa::kAvx2) return &avx2::kTable;
#endif
  return nullptr;
}

const Searches& searches() noexcept {
  static const Searches& chosen = []() noexcept -> const Searches& {
    try {
      if (active_isa() != Isa::kScalar && searches_for(Isa::kAvx2) != nullptr)
        return *searches_for(Isa::kAvx2);
    } catch (const Error&) {
      // A wrong HONE_ISA is reported by whoever needs its kernels; the codes are the same everywhere.
    }
    return baseline::kTable;
  }();
  return chosen;
}

}  // namespace hone::codec
