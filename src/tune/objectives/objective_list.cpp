#include <array>
#include <string>

#include "base/error.h"
#include "tune/objectives/objective.h"
#include "tune/objectives/sft.h"

namespace hone {
namespace {

constexpr std::array<const Objective*, 1> kObjectives = {
    &kSftObjective,
};

}  // namespace

std::span<const Objective* const> all_objectives() noexcept {
  return kObjectives;
}

const Objective& objective_named(std::string_view name) {
  std::string known;
  for (const Objective* objective : kObjectives) {
    if (objective->name == name) return *objective;
    known += known.empty() ? "" : ", ";
    known += objective->name;
  }
  fail(ErrorCode::kInvalidArgument, "objective: got '{}', expected one of {}", name, known);
}

}  // namespace hone
