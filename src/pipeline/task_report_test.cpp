#include "pipeline/task_report.h"

#include <gtest/gtest.h>

#include "base/atomic_file.h"
#include "base/folder_test_support.h"

namespace hone {
namespace {

constexpr size_t kItems = 80;

class TaskReportTest : public FolderTest {
 protected:
  // A stage that answers `right` of the first kItems - 10 items and none of the others.
  static MeasuredStage stage(const std::string& name, const std::string& role, size_t right) {
    MeasuredStage out;
    out.result.name = name;
    out.result.role = role;
    TaskMeasurement task{.metrics = {{"acc", {}, {}}}, .further = {}, .correct = {}, .answers = {}};
    for (size_t i = 0; i < kItems; ++i) {
      task.correct.push_back(i < right ? 1 : 0);
      task.metrics[0].values.push_back(i < right ? 1 : 0);
      task.answers.push_back(i < right ? "yes" : "no");
    }
    out.tasks.push_back(std::move(task));
    return out;
  }

  TaskSet tasks() {
    std::string rows;
    for (size_t i = 0; i < kItems; ++i)
      rows += R"({"context": "Is it so?", "choices": ["yes", "no"], "answer": 0, "category": ")" +
              std::string(i % 2 == 0 ? "even" : "odd") + "\"}\n";
    write_file(folder_ / "q.jsonl", rows);
    Recipe recipe;
    recipe.eval.tasks.push_back(
        {.task = "choices", .name = "q", .data = folder_ / "q.jsonl", .shots_data = {}});
    return TaskSet(recipe);
  }

  RunReport report(std::vector<MeasuredStage> stages) {
    RunReport out;
    fill_tasks(stages, tasks(), out);
    return out;
  }
};

TEST_F(TaskReportTest, StagesAreComparedWithWhatTheyWereMadeFrom) {
  const TaskTable table =
      report({stage("base", "base", 20), stage("prompted", "rival", 30), stage("tuned", "tuned", 60),
              stage("merged", "merged", 60), stage("q4_0", "file", 50)})
          .tasks.at(0);
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const TaskChange& change : table.changes) pairs.emplace_back(change.stage, change.against);
  EXPECT_EQ(pairs, (std::vector<std::pair<std::string, std::string>>{{"prompted", "base"},
                                                                     {"tuned", "base"},
                                                                     {"merged", "tuned"},
                                                                     {"q4_0", "merged"},
                                                                     {"tuned", "prompted"}}));
  const TaskChange& q4 = table.changes[3];
  EXPECT_EQ(q4.to_wrong, 10u);
  EXPECT_EQ(q4.to_right, 0u);
  EXPECT_NEAR(q4.difference.value, -10.0 / kItems, 1e-12);
  EXPECT_LT(q4.difference.high, 0);
  EXPECT_NEAR(q4.p, 2.0 / 1024, 1e-12);
  ASSERT_TRUE(q4.gain_kept);
  EXPECT_NEAR(q4.gain_kept->value, 30.0 / 40, 1e-12);  // (50 - 20) / (60 - 20)
  EXPECT_NEAR(table.changes[1].gain_kept->value, 1, 1e-12);
  EXPECT_EQ(table.categories.size(), 10u);  // two, in five stages
  EXPECT_FALSE(table.changed.empty());
  EXPECT_EQ(table.changed[0].before, "no");
  EXPECT_EQ(table.changed[0].after, "yes");
}

TEST_F(TaskReportTest, NoShareOfAGainThatMayBeChance) {
  const TaskTable table =
      report({stage("base", "base", 20), stage("tuned", "tuned", 21), stage("q4_0", "file", 10)}).tasks.at(0);
  for (const TaskChange& change : table.changes) EXPECT_FALSE(change.gain_kept) << change.stage;
}

TEST_F(TaskReportTest, PIsOfRightAnswersAndNotOfAnotherMetric) {
  std::vector<MeasuredStage> stages = {stage("base", "base", 20), stage("tuned", "tuned", 60)};
  EXPECT_TRUE(report(stages).tasks.at(0).changes.at(0).p_of_metric);
  stages[1].tasks[0].metrics[0].values[0] = 0.5;  // as f1 has it
  EXPECT_FALSE(report(stages).tasks.at(0).changes.at(0).p_of_metric);
}

TEST_F(TaskReportTest, ManyTestsAreCorrectedTogether) {
  const TaskTable table = report({stage("base", "base", 20), stage("tuned", "tuned", 30),
                                  stage("a", "file", 25), stage("b", "file", 30)})
                              .tasks.at(0);
  // p: 10 of 10, 5 of 5, none: 2/1024, 2/32, 1; Holm multiplies by 3, 2, 1 and keeps the order.
  EXPECT_NEAR(table.changes[0].p_holm, 3 * 2.0 / 1024, 1e-12);
  EXPECT_NEAR(table.changes[1].p_holm, 2 * 2.0 / 32, 1e-12);
  EXPECT_NEAR(table.changes[2].p_holm, 1, 1e-12);
}

}  // namespace
}  // namespace hone
