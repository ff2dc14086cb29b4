#include "pipeline/gates.h"

#include <gtest/gtest.h>

#include <cmath>

namespace hone {
namespace {

MeasuredStage stage(const std::string& role, std::optional<Measured> gain, double kl) {
  MeasuredStage out;
  out.result.name = role == "file" ? "q4_0" : role;
  out.result.role = role;
  out.result.gain_kept = gain;
  // Documents whose loss varies, so that intervals have a width.
  for (int i = 0; i < 40; ++i) {
    const double spread = (i % 5 - 2) * 0.01;
    out.measurement.chats.nll.push_back({10.0, 10});
    if (kl > 0) out.measurement.chats.kl.push_back({10 * (kl + spread * kl), 10});
    out.measurement.general.nll.push_back({10 * (3 + (role == "file" ? 0.02 + spread : 0)), 10});
  }
  return out;
}

std::vector<MeasuredStage> run(const Measured& gain) {
  return {stage("base", {}, 0), stage("tuned", {}, 0), stage("merged", {}, 0.0001),
          stage("file", gain, 0.05)};
}

GateResult judged(const Recipe::Gates& gates, const std::vector<MeasuredStage>& stages) {
  const std::vector<GateResult> results = judge_gates(gates, stages, TaskSet());
  EXPECT_EQ(results.size(), 1u);
  return results.at(0);
}

Recipe::Gates gain_of(double limit, bool strict = false) {
  Recipe::Gates gates;
  gates.min_gain_kept = limit;
  gates.strict = strict;
  return gates;
}

TEST(Gates, TheIntervalSaysHowSureAVerdictIs) {
  const Measured gain{.value = 0.96, .stderr_ = 0.01, .n = 40, .low = 0.94, .high = 0.98};
  GateResult r = judged(gain_of(0.9), run(gain));
  EXPECT_TRUE(r.passed);
  EXPECT_EQ(r.verdict, "met");
  r = judged(gain_of(0.99), run(gain));
  EXPECT_FALSE(r.passed);
  EXPECT_EQ(r.verdict, "missed");
  r = judged(gain_of(0.95), run(gain));
  EXPECT_TRUE(r.passed);
  EXPECT_EQ(r.verdict, "unclear");
  EXPECT_NE(gate_text(r).find("more test data"), std::string::npos);
  EXPECT_FALSE(judged(gain_of(0.95, true), run(gain)).passed);
  EXPECT_TRUE(judged(gain_of(0.94, true), run(gain)).passed);
}

TEST(Gates, WithoutAGainThereIsNothingToPromise) {
  std::vector<MeasuredStage> stages = run({});
  stages.back().result.gain_kept.reset();
  const GateResult r = judged(gain_of(0.5), stages);
  EXPECT_FALSE(r.passed);
  EXPECT_EQ(r.verdict, "unknown");
  EXPECT_TRUE(std::isnan(r.value.value));
}

TEST(Gates, GeneralTextIsARelativeRiseAgainstTheBase) {
  Recipe::Gates gates;
  gates.max_general_drop = 0.05;
  const GateResult r = judged(gates, run({}));
  EXPECT_NEAR(r.value.value, std::exp(0.02) - 1, 1e-9);
  EXPECT_TRUE(r.passed);
  EXPECT_LT(r.value.low, r.value.value);
}

TEST(Gates, OnlyTheNamedFilesAreJudged) {
  Recipe::Gates gates;
  gates.max_kl = 0.01;
  EXPECT_FALSE(judged(gates, run({})).passed);
  gates.files = {"q8_0"};
  EXPECT_TRUE(judge_gates(gates, run({}), TaskSet()).empty());
}

}  // namespace
}  // namespace hone
