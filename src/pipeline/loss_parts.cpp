// What a stage adds to the answer loss, taken apart.
#include "pipeline/run_report.h"

namespace hone {
namespace {

Measured mean_of_differences(const std::vector<DocumentScore>& a, const std::vector<DocumentScore>& b) {
  return measured(bootstrap_mean(differences(a, b)));
}

LossPart part(const MeasuredStage& stage, const char* name, const Scores& after, const Scores& before) {
  LossPart out{
      .stage = stage.result.name, .part = name, .loss = mean_of_differences(after.nll, before.nll), .kl = {}};
  if (!after.kl.empty() && !before.kl.empty()) out.kl = mean_of_differences(after.kl, before.kl);
  return out;
}

}  // namespace

std::vector<LossPart> loss_parts(const std::vector<MeasuredStage>& stages) {
  std::vector<LossPart> out;
  const MeasuredStage *tuned = find_stage(stages, "tuned"), *merged = find_stage(stages, "merged");
  if (tuned == nullptr || merged == nullptr || !merged->parts) return out;
  for (const MeasuredStage& stage : stages) {
    if (!stage.parts) continue;
    const Scores& served = stage.measurement.chats;
    if (&stage == merged)
      out.push_back(part(stage, "merge", served, tuned->measurement.chats));
    else
      out.push_back(part(stage, "rounding", stage.parts->precise, merged->parts->precise));
    out.push_back(part(stage, "arithmetic", served, stage.parts->precise));
    out.push_back(part(stage, "cache", stage.parts->cached, served));
  }
  return out;
}

}  // namespace hone
