#include <array>

#include "pipeline/remedy.h"

namespace hone {

std::span<const Remedy* const> all_remedies() noexcept {
  static constexpr auto kRemedies =
      std::to_array<const Remedy*>({&kRemedyFormat, &kRemedySensitive, &kRemedyLora});
  return kRemedies;
}

}  // namespace hone
