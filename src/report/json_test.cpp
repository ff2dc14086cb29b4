// JSON: stable keys, round trip, errors that name their place.
#include <cmath>
#include <limits>

#include "base/error.h"
#include "report/test_report.h"

namespace hone {
namespace {

using nlohmann::ordered_json;

std::string read_error(const ordered_json& json) {
  try {
    from_json(json);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCorruption);
    return error.what();
  }
  return "";
}

TEST(ReportJson, RoundTrip) {
  const ordered_json written_elsewhere = test::sample_json();
  const ordered_json once = to_json(from_json(written_elsewhere));
  // Order of keys aside, nothing is lost and nothing is added.
  EXPECT_EQ(nlohmann::json(once), nlohmann::json(written_elsewhere));
  EXPECT_EQ(to_json(from_json(ordered_json::parse(once.dump()))).dump(), once.dump());
}

TEST(ReportJson, FindingsAndSumsComeBack) {
  RunReport report = test::sample_report();
  report.general_change = Measured{1.05, 0.01, 94, 1.03, 1.07};
  report.findings = {{"take", "q8_0", {0.99, 0.01, 200, 0.97, 1.01}}};
  report.test_data["answers"] = {"abc", {20, 31}};
  report.stages[3].sums["answer_loss"] = {"answers", {41.5, 60.25}};
  const RunReport back = from_json(ordered_json::parse(to_json(report).dump()));
  EXPECT_EQ(to_json(back).dump(), to_json(report).dump());
  EXPECT_EQ(back.findings.at(0).value.low, 0.97);
  EXPECT_EQ(back.test_data.at("answers").counts, (std::vector<double>{20, 31}));
  EXPECT_EQ(back.stages[3].sums.at("answer_loss").values, (std::vector<double>{41.5, 60.25}));
  EXPECT_NE(read_error(ordered_json::parse(R"({"test_data":{"answers":{"counts":["1"]}}})"))
                .find("test_data.answers.counts[0]: got string"),
            std::string::npos);
}

TEST(ReportJson, KeysThatScriptsReadAreThere) {
  const ordered_json stage = to_json(test::sample_report())["stages"][3];
  EXPECT_EQ(stage["name"], "q8_0");
  EXPECT_EQ(stage["status"], "done");
  EXPECT_EQ(stage["file_bytes"], 144800000u);
  EXPECT_EQ(stage["bits_per_weight"], 8.5);
  for (const char* key : {"value", "stderr", "n", "low", "high"}) {
    EXPECT_TRUE(stage["metrics"]["answer_loss"].contains(key)) << key;
  }
  EXPECT_TRUE(stage.contains("gain_kept"));
  EXPECT_FALSE(to_json(test::sample_report())["stages"][0].contains("gain_kept"));
}

TEST(ReportJson, NotFiniteIsNullAndBadTextIsRepaired) {
  RunReport report;
  report.name = "cut \xE2\x82";
  report.total_seconds = std::numeric_limits<double>::quiet_NaN();
  report.loss_curve.push_back({1, 2, std::numeric_limits<double>::infinity(), std::nan(""), 0});
  const std::string text = to_json(report).dump();  // dump throws on bad UTF-8
  EXPECT_NE(text.find("\"cut \uFFFD\""), text.npos);
  const RunReport back = from_json(ordered_json::parse(text));
  EXPECT_TRUE(std::isnan(back.total_seconds));
  EXPECT_TRUE(std::isnan(back.loss_curve.at(0).train_loss));
  EXPECT_TRUE(back.loss_curve.at(0).valid_loss && std::isnan(*back.loss_curve.at(0).valid_loss));
}

TEST(ReportJson, MissingKeysAreDefaultsUnknownOnesIgnored) {
  const RunReport report = from_json(ordered_json::parse(R"({"name":"x","later":{"a":[1]},"stages":[{}]})"));
  EXPECT_EQ(report.name, "x");
  EXPECT_EQ(report.stages.size(), 1u);
  EXPECT_FALSE(report.stages[0].gain_kept);
}

TEST(ReportJson, WrongTypesNameTheirPlace) {
  EXPECT_NE(read_error(ordered_json::array()).find("top level"), std::string::npos);
  const auto error = [](const char* text) { return read_error(ordered_json::parse(text)); };
  EXPECT_NE(error(R"({"stages":{}})").find("stages: got object, expected an array"), std::string::npos);
  EXPECT_NE(error(R"({"stages":[{},{"file_bytes":-1}]})").find("stages[1].file_bytes"), std::string::npos);
  EXPECT_NE(error(R"({"stages":[{"metrics":{"kl":3}}]})").find("stages[0].metrics.kl"), std::string::npos);
  EXPECT_NE(error(R"({"stages":[{"metrics":{"kl":{"n":1.5}}}]})").find("metrics.kl.n"), std::string::npos);
  EXPECT_NE(error(R"({"notes":[null]})").find("notes[0]: got null"), std::string::npos);
  EXPECT_NE(error(R"({"examples":[{"answers":[{"stage":1}]}]})").find("examples[0].answers[0].stage"),
            std::string::npos);
  EXPECT_NE(error(R"({"total_seconds":"9"})").find("total_seconds: got string"), std::string::npos);
}

}  // namespace
}  // namespace hone
