// Text and numbers, the terminal table, Markdown, the summary.
#include "report/text.h"

#include <cmath>
#include <limits>
#include <sstream>

#include "report/test_report.h"

namespace hone {
namespace {

using test::count_of;
using test::sample_report;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
const std::string kNb = "\u00A0";

TEST(Text, EscapesForElementsAndAttributes) {
  EXPECT_EQ(layout::escape_html("<a b=\"c\" d='e'>&"), "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;");
  EXPECT_EQ(layout::escape_html("x\r\ny\rz\t\x1b[31m"), "x\ny\nz\t\uFFFD[31m");
  EXPECT_EQ(layout::escape_html(std::string_view("\0", 1)), "\uFFFD");
}

TEST(Numbers, ReadableForms) {
  EXPECT_EQ(layout::format_number(2.10472), "2.105");
  EXPECT_EQ(layout::format_number(23.5512), "23.55");
  EXPECT_EQ(layout::format_number(0.0046123, 3), "0.00461");
  EXPECT_EQ(layout::format_number(2305.4), "2305");
  EXPECT_EQ(layout::format_number(48128), "48\u202F128");
  EXPECT_EQ(layout::format_number(-0.25), "\u22120.2500");
  EXPECT_EQ(layout::format_fixed(-0.0001, 2), "0.00");
  EXPECT_EQ(layout::format_number(1e-9), "≈" + kNb + "0");
  EXPECT_EQ(layout::format_trimmed(0.0002, 3), "0.0002");
  EXPECT_EQ(layout::format_bytes(144'800'000), "144.8" + kNb + "MB");
  EXPECT_EQ(layout::format_bytes(1'093'000'000), "1.09" + kNb + "GB");
  EXPECT_EQ(layout::format_bytes(0), "–");
  EXPECT_EQ(layout::format_count(4'884'480), "4\u202F884\u202F480");
  EXPECT_EQ(layout::format_seconds(581.3), "9" + kNb + "min 41" + kNb + "s");
  EXPECT_EQ(layout::format_seconds(kNan), "–");
  EXPECT_EQ(layout::format_percent(0.9962, 1), "99.6" + kNb + "%");
  for (const double bad : {kNan, HUGE_VAL, -HUGE_VAL}) EXPECT_EQ(layout::format_number(bad), "–");
}

TEST(Numbers, MeanAndErrorShareDecimals) {
  const auto text = [](double value, double error) {
    const layout::MeasuredText t = layout::format_measured({value, error, 1, value - error, value + error});
    return t.value + "|" + t.error + "|" + t.range;
  };
  EXPECT_EQ(text(1.52317, 0.0231), "1.523|0.023|1.500 to 1.546");
  EXPECT_EQ(text(23.551, 0.412), "23.55|0.41|23.14 to 23.96");
  EXPECT_EQ(text(0.0046123, 0.000143), "0.00461|0.00014|0.00447 to 0.00476");
  EXPECT_EQ(text(171.2, 2.05), "171.2|2.0|169.1 to 173.2");
  EXPECT_EQ(text(1.5, 1e-9), "1.500|<0.001|1.500 to 1.500");
  EXPECT_EQ(text(2, 0), "2.000||");
  EXPECT_EQ(text(kNan, 1), "–||");
}

TEST(Table, FitsEveryWidthAndAligns) {
  RunReport report = sample_report();
  report.stages[2].name = "漢字-é";
  report.stages[3].name = "bad\xFF\x1b[31m";
  report.stages[4].metrics["answer_loss"].value = kNan;
  for (int width = 1; width <= 160; ++width) {
    const std::string table = render_table(report, width);
    std::istringstream lines(table);
    size_t count = 0;
    for (std::string line; std::getline(lines, line); ++count) EXPECT_LE(layout::display_width(line), width);
    EXPECT_EQ(count, 7u);
    EXPECT_EQ(table.find('\x1b'), table.npos);
    EXPECT_EQ(table.find("nan"), table.npos);
  }
  // Every row ends in the same column when the last column is a number.
  std::istringstream lines(render_table(report, 80));
  std::set<int> widths;
  for (std::string line; std::getline(lines, line);) widths.insert(layout::display_width(line));
  EXPECT_EQ(widths.size(), 1u);
}

TEST(Table, KeepsWhatMattersMost) {
  const auto head = [](const RunReport& report, int width) {
    const std::string table = render_table(report, width);
    return table.substr(0, table.find('\n'));
  };
  EXPECT_NE(head(sample_report(), 120).find("status"), std::string::npos);
  EXPECT_EQ(head(sample_report(), 80).find("bits/w"), std::string::npos);
  EXPECT_NE(head(sample_report(), 40).find("loss"), std::string::npos);
  RunReport failed = sample_report();
  failed.stages[4].status = "failed";
  EXPECT_NE(head(failed, 80).find("status"), std::string::npos);
}

TEST(Markdown, ContentAndEscapes) {
  RunReport report = sample_report();
  report.stages[4].name = "a|b\n`c`";
  report.examples[0].answers[0].second = "```\n</details><script>";
  report.notes.push_back("<img src=x> [a](b) *c*");
  const std::string text = render_markdown(report);
  EXPECT_NE(text.find("| a\\|b \\`c\\` |"), text.npos);
  EXPECT_NE(text.find("````text\n```\n</details><script>\n````"), text.npos);
  EXPECT_NE(text.find("&lt;img src=x\\> \\[a\\](b) \\*c\\*"), text.npos);
  EXPECT_NE(text.find("Lowest validation loss"), text.npos);
  EXPECT_NE(text.find("```sh\nhone run examples/medical/recipe.toml\n```"), text.npos);
  EXPECT_EQ(count_of(text, "\n<details>"), 3u);
}

TEST(Summary, StatesGainAndShares) {
  const std::string text = summary_text(sample_report());
  EXPECT_NE(text.find("lowered the loss on held-out answers from 2.105 to 1.523"), text.npos) << text;
  EXPECT_NE(text.find("a gain of 0.582 (95" + kNb + "% interval 0.553 to 0.610)"), text.npos) << text;
  EXPECT_NE(text.find("The 8-bit file (q8_0) keeps 99.6" + kNb + "%"), text.npos) << text;
  EXPECT_NE(text.find("54" + kNb + "% of the merged file"), text.npos) << text;
}

TEST(Summary, WithoutAPairedIntervalGivesThoseOfTheMeans) {
  RunReport report = sample_report();
  report.tuning_gain.reset();
  const std::string text = summary_text(report);
  EXPECT_NE(text.find("1.523 (95" + kNb + "% interval 1.478 to 1.568)"), text.npos) << text;
}

TEST(Summary, NoShareWithoutAClearGain) {
  RunReport report = sample_report();
  report.tuning_gain = Measured{0.01, 0.02, 200, -0.03, 0.05};
  for (StageResult& stage : report.stages) stage.gain_kept.reset();
  for (const bool paired : {true, false}) {
    if (!paired) report.tuning_gain.reset();
    const std::string text = summary_text(report);
    EXPECT_NE(text.find("not distinguishable from zero, so no share of it is stated"), text.npos) << text;
    EXPECT_EQ(text.find("keeps"), text.npos) << text;
  }
}

TEST(Summary, SaysWhenTuningMadeItWorse) {
  RunReport report = sample_report();
  report.tuning_gain = Measured{-0.2, 0.02, 200, -0.24, -0.16};
  report.stages[1].metrics["answer_loss"].value = 2.3;
  for (StageResult& stage : report.stages) stage.gain_kept.reset();
  EXPECT_NE(summary_text(report).find("Tuning raised the loss"), std::string::npos);
}

TEST(Summary, SaysHowMuchWasForgotten) {
  RunReport report = sample_report();
  const auto says = [&](double low, double high, const char* verdict) {
    report.general_change = Measured{(low + high) / 2, 0.01, 100, low, high};
    EXPECT_NE(summary_text(report).find(verdict), std::string::npos) << verdict << "\n"
                                                                     << summary_text(report);
  };
  says(1.02, 1.05, "something was forgotten");
  says(1.005, 1.03, "something was forgotten");
  says(1.001, 1.007, "1.004 times as much");
  says(1.001, 1.007, "hardly anything was forgotten");
  says(0.98, 1.03, "no change that can be told from chance");
  says(0.9, 0.95, "nothing was forgotten, it fell");
}

TEST(Summary, MissingMeasurementsAndFailures) {
  RunReport report = sample_report();
  report.tasks.clear();
  report.stages[1].metrics.erase("answer_loss");
  report.stages[4].status = "failed";
  const std::string text = summary_text(report);
  EXPECT_NE(text.find("was not measured before and after tuning"), text.npos) << text;
  EXPECT_NE(text.find("Failed, and not part of this result: q4_0."), text.npos) << text;
  EXPECT_EQ(text.find("4-bit file"), text.npos) << text;
  EXPECT_EQ(summary_text({}), "This run has no results yet.");
}

}  // namespace
}  // namespace hone
