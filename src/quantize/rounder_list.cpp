#include "quantize/rounder_list.h"

#include <array>
#include <string>

#include "base/error.h"

namespace hone {
namespace {

constexpr std::array<const Rounder*, 1> kRounders{
    &kRounderRtn,
};

}  // namespace

std::span<const Rounder* const> all_rounders() noexcept {
  return kRounders;
}

const Rounder& rounder_named(std::string_view name) {
  std::string known;
  for (const Rounder* rounder : kRounders) {
    if (rounder->name == name) return *rounder;
    known += (known.empty() ? "" : ", ") + std::string(rounder->name);
  }
  fail(ErrorCode::kInvalidArgument, "quantize: method: got \"{}\", expected one of {}", name, known);
}

}  // namespace hone
