// Every architecture hone knows: one line each.
#include "models/architecture_list.h"

#include "models/architecture.h"

namespace hone {
namespace {
constexpr const Architecture* kArchitectures[] = {
    &kArchitectureLlama,
    &kArchitectureGemma3,
    &kArchitectureQwen2,
    &kArchitectureQwen3,
};
}  // namespace

std::span<const Architecture* const> all_architectures() noexcept {
  return kArchitectures;
}

}  // namespace hone
