// More bits for the tensors that suffer most.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "io/gguf.h"
#include "pipeline/remedy.h"
#include "pipeline/sensitivity.h"

namespace hone {
namespace {

constexpr const char* kMoreBits = "q8_0";
constexpr int kShares[] = {12, 25, 50};  // per cent of the weights that may have more bits

std::vector<FormatOverride> most_sensitive(std::vector<GroupSensitivity> groups, int share) {
  std::sort(groups.begin(), groups.end(), [](const GroupSensitivity& a, const GroupSensitivity& b) {
    return a.kl * static_cast<double>(b.weights) > b.kl * static_cast<double>(a.weights);
  });
  uint64_t total = 0, used = 0;
  for (const GroupSensitivity& g : groups) total += g.weights;
  std::vector<FormatOverride> out;
  for (const GroupSensitivity& g : groups) {
    if ((used + g.weights) * 100 > total * static_cast<uint64_t>(share)) continue;
    used += g.weights;
    out.push_back({g.group + ".*", &format_named(kMoreBits)});
  }
  return out;
}

std::vector<MakeProduct> candidates(const RemedyInput& input) {
  const std::vector<GroupSensitivity> groups =
      sensitivity_of(input.run, input.valid, input.merged, input.failed);
  const auto known = [&](const GroupSensitivity& g) { return g.format == input.failed.result.name; };
  if (std::none_of(input.sensitivity.begin(), input.sensitivity.end(), known))
    input.sensitivity.insert(input.sensitivity.end(), groups.begin(), groups.end());
  std::vector<MakeProduct> out;
  for (const int share : kShares) {
    std::vector<FormatOverride> overrides = most_sensitive(groups, share);
    if (overrides.empty()) continue;
    out.push_back([&run = input.run, &merged = input.merged, format = input.failed.result.name, share,
                   overrides = std::move(overrides)] {
      Product product =
          quantize_mixed(run, merged, format, fmt::format("{}-mix{}", format, share), overrides);
      product.result.what =
          fmt::format("{}, and {} for the {} most sensitive parts, at most {} % of the weights", format,
                      kMoreBits, overrides.size(), share);
      return product;
    });
  }
  return out;
}

}  // namespace

constinit const Remedy kRemedySensitive{.name = "sensitive",
                                        .summary = "more bits for the parts that suffer most from rounding",
                                        .candidates = candidates};

}  // namespace hone
