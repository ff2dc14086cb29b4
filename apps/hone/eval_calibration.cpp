#include "eval_calibration.h"

#include <fmt/format.h>

#include "eval/calibration.h"
#include "eval/details.h"

namespace hone::cli {
namespace {

Json to_json(const Calibration& calibration) {
  Json bins = Json::array();
  for (const ReliabilityBin& bin : calibration.bins)
    bins.push_back({{"low", bin.low},
                    {"high", bin.high},
                    {"n", bin.n},
                    {"confidence", bin.confidence},
                    {"accuracy", bin.accuracy}});
  return {{"protocol", calibration_protocol(calibration)},
          {"ece", hone::to_json(calibration.ece)},
          {"ece_mass", calibration.ece_mass},
          {"brier", hone::to_json(calibration.brier)},
          {"confidence", calibration.confidence},
          {"accuracy", calibration.accuracy},
          {"bins", std::move(bins)}};
}

std::string line_of(const std::string& name, const Estimate& estimate, const std::string& what) {
  return fmt::format("  {:<24} {:>10.4f} ± {:.4f}   {}\n", name, estimate.value, estimate.stderr_, what);
}

}  // namespace

void add_calibration(const TaskResult& result, const TaskResult* reference, const std::string& key,
                     uint64_t seed, Json& entry, Json& metrics, std::string& text) {
  for (const Calibration& c : calibrations(result, seed)) {
    const std::string ece = "ece" + c.suffix, brier = "brier" + c.suffix;
    entry["calibration" + c.suffix] = to_json(c);
    metrics[fmt::format("{}.{}", key, ece)] = hone::to_json(c.ece);
    metrics[fmt::format("{}.{}", key, brier)] = hone::to_json(c.brier);
    text += line_of(
        ece, c.ece,
        fmt::format("mean confidence {:.1f} %, right {:.1f} %", 100 * c.confidence, 100 * c.accuracy));
    text += line_of(brier, c.brier, "0 is best");
  }
  if (reference == nullptr) return;
  for (const Calibration& c : calibrations(*reference, seed)) {
    entry["reference_calibration" + c.suffix] = to_json(c);
    text += fmt::format("  of the reference         ece{} {:.4f}, brier{} {:.4f}\n", c.suffix, c.ece.value,
                        c.suffix, c.brier.value);
  }
}

}  // namespace hone::cli
