// Differences between runs get an interval only over the same documents, and a tighter one than unpaired.
#include "pipeline/paired.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/rng.h"
#include "eval/evaluate.h"

namespace hone {
namespace {

constexpr size_t kDocuments = 50;

// Documents differ much from each other, the two runs little: `shift` nats a token and some noise.
RunReport scored(double shift, uint64_t seed) {
  Rng hard(1), noise(seed);
  RunReport report;
  StageResult stage;
  stage.name = "q8_0";
  for (size_t i = 0; i < kDocuments; ++i) {
    const double count = 10 + static_cast<double>(i % 7);
    report.test_data["answers"].counts.push_back(count);
    stage.sums["answer_loss"].values.push_back(count * (2 + hard.normal() + shift + 0.01 * noise.normal()));
  }
  report.test_data["answers"].hash = "abc";
  stage.sums["answer_loss"].data = "answers";
  report.stages = {stage};
  return report;
}

double mean(const RunReport& report) {
  double sum = 0, count = 0;
  for (const double v : report.stages[0].sums.at("answer_loss").values) sum += v;
  for (const double v : report.test_data.at("answers").counts) count += v;
  return sum / count;
}

RunComparison comparison(RunReport a, RunReport b) {
  RunComparison c;
  c.a.id = 1;
  c.b.id = 2;
  ComparedMetric metric{
      .stage = "q8_0", .name = "answer_loss", .a = {mean(a)}, .b = {mean(b)}, .difference = {}};
  metric.difference.value = metric.b.value - metric.a.value;
  c.metrics = {metric};
  c.a.report = std::move(a);
  c.b.report = std::move(b);
  return c;
}

TEST(Paired, ASmallShiftIsSeenThroughHardDocuments) {
  RunComparison c = comparison(scored(0, 2), scored(0.05, 3));
  add_paired_intervals(c);
  const ComparedValue& d = c.metrics[0].difference;
  ASSERT_TRUE(d.low && d.high);
  EXPECT_GT(*d.low, 0.04);
  EXPECT_LT(*d.high, 0.06);
  EXPECT_LT(*d.low, d.value);
  EXPECT_GT(*d.high, d.value);
  ASSERT_EQ(c.notes.size(), 1u);
  EXPECT_NE(c.notes[0].find("paired over 50 documents"), std::string::npos);
}

TEST(Paired, NoIntervalOverOtherData) {
  RunComparison c = comparison(scored(0, 2), scored(0.05, 3));
  c.b.report.test_data["answers"].hash = "abd";
  add_paired_intervals(c);
  EXPECT_FALSE(c.metrics[0].difference.low);
  ASSERT_EQ(c.notes.size(), 1u);
  EXPECT_NE(c.notes[0].find("not scored on the same test data"), std::string::npos);

  c = comparison(scored(0, 2), scored(0.05, 3));
  c.a.report.stages[0].sums["answer_loss"].values.pop_back();  // fewer than the data says
  add_paired_intervals(c);
  EXPECT_FALSE(c.metrics[0].difference.low);

  c = comparison(scored(0, 2), scored(0.05, 3));
  c.b.report = {};  // a run recorded before there were sums
  add_paired_intervals(c);
  EXPECT_FALSE(c.metrics[0].difference.low);
  ASSERT_EQ(c.notes.size(), 1u);
  EXPECT_NE(c.notes[0].find("run 2 recorded no sums"), std::string::npos);
}

TEST(Paired, TheSameRunTwiceHasNoDifference) {
  RunComparison c = comparison(scored(0, 2), scored(0, 2));
  add_paired_intervals(c);
  EXPECT_EQ(c.metrics[0].difference.value, 0);
  EXPECT_FALSE(c.metrics[0].difference.low);
}

}  // namespace
}  // namespace hone
