// Every architecture hone knows: one line each.
#include "models/architecture_list.h"

#include "models/architecture.h"

namespace hone {
namespace {
constexpr const Architecture* kArchitectures[] = {
    &kArchitectureLlama,   // and Mistral
    &kArchitectureGemma3,  // text
    &kArchitectureQwen2,   // and 2.5
    &kArchitectureQwen3,   // dense
    &kArchitecturePhi3,    // 3, 3.5 and 4 mini
};
}  // namespace

std::span<const Architecture* const> all_architectures() noexcept {
  return kArchitectures;
}

}  // namespace hone
