#include "eval/calibration.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/atomic_file.h"

namespace hone {
namespace {

using Json = nlohmann::ordered_json;

// The golden's items as a task and its result.
struct Case {
  Task task{.name = "golden",
            .title = {},
            .summary = {},
            .columns = {},
            .kind = TaskKind::kChoice,
            .normalised = true};
  TaskFile file;
  TaskResult result;

  explicit Case(const Json& golden) {
    file.task = &task;
    for (size_t i = 0; i < golden["answers"].size(); ++i) {
      TaskItem& item = file.items.emplace_back();
      for (const Json& length : golden["lengths"][i]) item.choices.emplace_back(length.get<size_t>(), 'x');
      item.answer = golden["answers"][i].get<size_t>();
      result.items.emplace_back().log_likelihoods = golden["log_p"][i].get<std::vector<double>>();
    }
    result.file = &file;
  }
};

void expect_golden(const Calibration& got, const Json& golden) {
  EXPECT_NEAR(got.ece.value, golden["ece"].get<double>(), 1e-12);
  EXPECT_NEAR(got.ece_mass, golden["ece_mass"].get<double>(), 1e-12);
  EXPECT_NEAR(got.brier.value, golden["brier"].get<double>(), 1e-12);
  EXPECT_NEAR(got.confidence, golden["confidence"].get<double>(), 1e-12);
  EXPECT_NEAR(got.accuracy, golden["accuracy"].get<double>(), 1e-12);
  ASSERT_EQ(got.bins.size(), golden["bins"].size());
  for (size_t b = 0; b < got.bins.size(); ++b) {
    EXPECT_EQ(got.bins[b].n, golden["bins"][b]["n"].get<size_t>()) << b;
    EXPECT_NEAR(got.bins[b].confidence, golden["bins"][b]["confidence"].get<double>(), 1e-12) << b;
    EXPECT_NEAR(got.bins[b].accuracy, golden["bins"][b]["accuracy"].get<double>(), 1e-12) << b;
  }
}

TEST(Calibration, EqualsNumpy) {
  const Json golden = Json::parse(read_file(std::string(HONE_TEST_DATA) + "/golden/eval/calibration.json"));
  const Case made(golden);
  const auto got = calibrations(made.result, 42);
  ASSERT_EQ(got.size(), 2u);
  EXPECT_EQ(got[1].suffix, "_norm");
  expect_golden(got[0], golden["plain"]);
  expect_golden(got[1], golden["norm"]);
  EXPECT_GT(got[0].ece.stderr_, 0);
  EXPECT_NE(calibration_protocol(got[0]), calibration_protocol(got[1]));
}

TEST(Calibration, KnownCases) {
  const double ln2 = std::log(2.0);
  // Always sure and right; then half right with p 1/2 each.
  Case sure(
      Json::parse(R"({"answers": [0, 1], "lengths": [[1, 1], [1, 1]], "log_p": [[0, -900], [-900, 0]]})"));
  EXPECT_EQ(calibrations(sure.result, 1)[0].ece.value, 0);
  EXPECT_EQ(calibrations(sure.result, 1)[0].brier.value, 0);
  EXPECT_EQ(calibrations(sure.result, 1)[0].bins.back().n, 2u);
  Case even(Json::parse(R"({"answers": [0, 1], "lengths": [[1, 1], [1, 1]], "log_p": [[0, 0], [0, 0]]})"));
  for (ItemResult& item : even.result.items) item.log_likelihoods = {-ln2, -ln2};
  EXPECT_NEAR(calibrations(even.result, 1)[0].ece.value, 0, 1e-15);
  EXPECT_NEAR(calibrations(even.result, 1)[0].brier.value, 0.5, 1e-15);
  even.task.normalised = false;
  EXPECT_EQ(calibrations(even.result, 1).size(), 1u);
  even.file.items[0].true_choices = {1, 1};  // several right ones: confidence in one says nothing
  EXPECT_TRUE(calibrations(even.result, 1).empty());
  sure.task.kind = TaskKind::kLastWord;
  EXPECT_TRUE(calibrations(sure.result, 1).empty());
}

}  // namespace
}  // namespace hone
