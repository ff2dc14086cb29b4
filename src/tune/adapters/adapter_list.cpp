#include <array>
#include <cmath>

#include "base/error.h"
#include "tune/adapters/adapter.h"
#include "tune/adapters/lora.h"

namespace hone {
namespace {

constexpr std::array<const AdapterKind*, 1> kKinds = {
    &kLoraKind,
};

}  // namespace

std::span<const AdapterKind* const> all_adapter_kinds() noexcept {
  return kKinds;
}

const AdapterKind& adapter_kind_named(std::string_view name) {
  std::string known;
  for (const AdapterKind* kind : kKinds) {
    if (kind->name == name) return *kind;
    known += known.empty() ? "" : ", ";
    known += kind->name;
  }
  fail(ErrorCode::kInvalidArgument, "adapter: got '{}', expected one of {}", name, known);
}

const AdapterKind* adapter_kind_of_peft(std::string_view peft_type) noexcept {
  for (const AdapterKind* kind : kKinds) {
    if (kind->peft_type == peft_type) return kind;
  }
  return nullptr;
}

double adapter_scaling(const AdapterSettings& settings) {
  const double rank = static_cast<double>(settings.rank);
  return settings.alpha / (settings.rslora ? std::sqrt(rank) : rank);
}

}  // namespace hone
