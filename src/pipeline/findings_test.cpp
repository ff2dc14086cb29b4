// What may be concluded, and that nothing is where the intervals do not allow it.
#include "pipeline/findings.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace hone {
namespace {

StageResult file(const std::string& name, uint64_t bytes, double low, double value, double high) {
  StageResult stage;
  stage.name = name;
  stage.role = name == "merged" ? "merged" : "file";
  stage.file_bytes = bytes;
  stage.gain_kept = Measured{.value = value, .low = low, .high = high};
  return stage;
}

RunReport good_run() {
  RunReport report;
  report.tuning_gain = Measured{.value = 0.3, .low = 0.2, .high = 0.4};
  StageResult base;
  base.name = base.role = "base";
  report.stages = {base, file("merged", 400, 0.99, 1, 1.01), file("q8_0", 200, 0.97, 0.99, 1.01),
                   file("q4_0", 100, 0.2, 0.3, 0.4)};
  StageResult tuned;
  tuned.name = tuned.role = "tuned";
  report.stages.push_back(tuned);
  report.test_data["answers"].counts.assign(100, 20);
  report.test_data["general"].counts.assign(100, 256);
  return report;
}

const Finding* find(const std::vector<Finding>& all, const std::string& kind) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const Finding& f) { return f.kind == kind; });
  return found == all.end() ? nullptr : &*found;
}

TEST(Findings, TheSmallestFileThatSurelyKeepsNearlyAll) {
  RunReport report = good_run();
  std::vector<Finding> all = find_conclusions(report);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].kind + " " + all[0].stage, "take q8_0");
  report.stages[2].gain_kept->low = 0.9;  // its value still says 0.99
  EXPECT_EQ(find_conclusions(report)[0].stage, "merged");
  report.stages[1].gain_kept->low = 0.9;
  all = find_conclusions(report);
  EXPECT_EQ(all[0].kind + " " + all[0].stage, "take_best merged");
}

TEST(Findings, AFileThatBreaksAPromiseIsNotTheOneToTake) {
  RunReport report = good_run();
  GateResult gate;
  gate.gate = "max_task_drop";
  gate.stage = "q8_0";
  gate.passed = true;
  report.gates = {gate};
  EXPECT_EQ(find_conclusions(report)[0].stage, "q8_0");
  report.gates[0].passed = false;
  report.gates[0].repaired_by = "q6_k";
  EXPECT_EQ(find_conclusions(report)[0].stage, "merged");
}

TEST(Findings, NoGainNoAdvice) {
  RunReport report = good_run();
  report.tuning_gain->low = -0.01;
  EXPECT_EQ(find_conclusions(report)[0].kind, "take_none");
  report.tuning_gain->high = -0.005;
  EXPECT_EQ(find_conclusions(report)[0].kind, "take_base");
  report.tuning_gain.reset();
  EXPECT_EQ(find_conclusions(report)[0].kind, "take_none");
  EXPECT_TRUE(find_conclusions({}).empty());
}

TEST(Findings, Warnings) {
  RunReport report = good_run();
  report.test_data["answers"].counts.resize(kFewDocuments - 1);
  report.test_data["general"].counts.resize(kFewDocuments);
  report.general_change = Measured{.value = 1.05, .low = 0.99, .high = 1.1};
  report.stages[3].gain_kept = Measured{.value = -0.4, .low = -0.6, .high = -0.2};
  report.loss_curve = {{.step = 10, .valid_loss = 2.0},
                       {.step = 20, .valid_loss = 1.5},
                       {.step = 30, .valid_loss = std::nan("")},
                       {.step = 40, .valid_loss = 1.52}};
  std::vector<Finding> all = find_conclusions(report);
  ASSERT_NE(find(all, "few_answers"), nullptr);
  EXPECT_EQ(find(all, "few_answers")->value.n, kFewDocuments - 1);
  EXPECT_EQ(find(all, "few_windows"), nullptr);
  EXPECT_EQ(find(all, "general_worse"), nullptr);
  ASSERT_NE(find(all, "below_base"), nullptr);
  EXPECT_EQ(find(all, "below_base")->stage, "q4_0");
  EXPECT_EQ(find(all, "overfitted"), nullptr);  // 1.3 % up is not clearly up
  report.general_change->low = 1.001;
  report.general_change->high = 1.007;
  EXPECT_EQ(find(find_conclusions(report), "general_worse"), nullptr);
  report.general_change->high = 1.1;
  report.loss_curve.back().valid_loss = 1.6;
  all = find_conclusions(report);
  EXPECT_NE(find(all, "general_worse"), nullptr);
  ASSERT_NE(find(all, "overfitted"), nullptr);
  EXPECT_EQ(find(all, "overfitted")->value.n, 20u);
}

}  // namespace
}  // namespace hone
