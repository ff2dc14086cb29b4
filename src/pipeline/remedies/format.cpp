// Another format, with more bits.
#include <algorithm>
#include <array>

#include "io/gguf.h"
#include "pipeline/remedy.h"

namespace hone {
namespace {

// What people use, not every mix there is.
constexpr auto kFormats =
    std::to_array<const char*>({"q3_k_m", "q4_0", "q4_k_s", "q4_k_m", "q5_k_m", "q6_k", "q8_0"});

uint64_t planned_bytes(const WeightSource& source, const Mix& mix) {
  QuantizeOptions options;
  options.target = &mix;
  const std::vector<TensorPlan> plans = plan_formats(source, options);
  uint64_t bytes = 0;
  for (size_t i = 0; i < plans.size(); ++i) bytes += plans[i].format->bytes(source.tensors()[i].n_elements());
  return bytes;
}

std::vector<MakeProduct> candidates(const RemedyInput& input) {
  const GgufFile source(input.merged.model.model);
  const uint64_t failed = BitsPerWeight(GgufFile(input.failed.model.model)).bytes;
  std::vector<std::pair<uint64_t, std::string>> larger;
  for (const char* name : kFormats) {
    const uint64_t bytes = planned_bytes(source, mix_named(name));
    if (bytes > failed && bytes < BitsPerWeight(source).bytes) larger.emplace_back(bytes, name);
  }
  std::sort(larger.begin(), larger.end());
  std::vector<MakeProduct> out;
  for (const auto& [bytes, name] : larger)
    out.push_back([&run = input.run, &merged = input.merged, format = name] {
      return quantize_product(run, merged, format);
    });
  return out;
}

}  // namespace

constinit const Remedy kRemedyFormat{
    .name = "format", .summary = "another format, with more bits", .candidates = candidates};

}  // namespace hone
