// Tasks, parts of the loss and promises, in all three renderings.
#include <gtest/gtest.h>

#include "report/card.h"
#include "report/proof_rows.h"
#include "report/summary.h"
#include "report/test_report.h"
#include "report/text.h"

namespace hone {
namespace {

using test::count_of;
using test::sample_report;

TEST(Proof, TaskRowsHaveEveryStageWithItsChange) {
  const RunReport report = sample_report();
  const layout::TextRows rows = layout::task_rows(report, report.tasks.at(0));
  ASSERT_EQ(rows.size(), 6u);
  for (const auto& row : rows) EXPECT_EQ(row.size(), rows[0].size());
  EXPECT_EQ(rows[1][0], "base");
  EXPECT_EQ(rows[1][2], std::string(layout::kAbsent));
  EXPECT_EQ(rows[5][2], "merged");
  EXPECT_EQ(rows[5][4], "12");
  EXPECT_NE(rows[2][3].find("+14"), std::string::npos) << rows[2][3];
  EXPECT_EQ(rows[2][6], "< 0.001");
}

TEST(Proof, PartsAreSharesOfTheGain) {
  const layout::TextRows rows = layout::part_rows(sample_report());
  ASSERT_EQ(rows.size(), 5u);
  EXPECT_EQ(rows[3][1], "rounding the weights");
  EXPECT_NE(rows[3][4].find("8.8"), std::string::npos) << rows[3][4];  // 0.051 / 0.5816
}

TEST(Proof, PromisesSayWhichAreNotKept) {
  const RunReport report = sample_report();
  EXPECT_EQ(layout::gates_sentence(report),
            "1 of 2 promises of the recipe are not kept: q4_0 (min_gain_kept).");
  const layout::TextRows rows = layout::gate_rows(report);
  EXPECT_EQ(rows[1].back(), "met, but the interval holds the limit");
  EXPECT_EQ(rows[2].back(), "missed");
}

TEST(Proof, PageAndPullRequestShowThem) {
  const RunReport report = sample_report();
  const std::string html = render_html(report), markdown = render_markdown(report);
  for (const char* text : {"What the recipe promised", "Where the loss comes from", "leaflets"}) {
    EXPECT_NE(html.find(text), std::string::npos) << text;
    EXPECT_NE(markdown.find(text), std::string::npos) << text;
  }
  EXPECT_EQ(count_of(html, "<b>butter"), 0u);
  EXPECT_GE(count_of(html, "&lt;b&gt;butter"), 1u);
  EXPECT_EQ(test::MarkupCheck(html).error(), "");
  EXPECT_NE(render_table(report, 200).find("leaflets"), std::string::npos);
}

TEST(Proof, WithoutThemNothingIsShown) {
  RunReport report = sample_report();
  report.tasks.clear();
  report.loss_parts.clear();
  report.gates.clear();
  const std::string html = render_html(report);
  EXPECT_EQ(html.find("id=\"gates\""), std::string::npos);
  EXPECT_EQ(html.find("id=\"tasks\""), std::string::npos);
  EXPECT_EQ(html.find("id=\"parts\""), std::string::npos);
}

TEST(Proof, TheCardHasWhatModelHubsReadAndSaysWhatIsMissing) {
  RunReport report = sample_report();
  report.base_model = "a \"base\"\nlicense: other";
  const std::string card = render_card(report, {.licence = "apache-2.0", .language = "en", .intended = ""});
  EXPECT_TRUE(card.starts_with("---\nlicense: \"apache-2.0\"\nlanguage:\n- \"en\"\nbase_model: "));
  EXPECT_EQ(count_of(card, "\nlicense: "), 1u);
  EXPECT_NE(card.find("type: \"acc\"\n      value: 0.55\n"), std::string::npos) << card;
  EXPECT_NE(card.find("Not written yet"), std::string::npos);
  EXPECT_NE(card.find("| q8\\_0.gguf |"), std::string::npos) << card;
  EXPECT_EQ(card.find("<b>butter"), std::string::npos);
}

TEST(Proof, ATestOfAnotherMetricMakesNothingSure) {
  RunReport report = sample_report();
  TaskChange& change = report.tasks.at(0).changes.at(0);
  ASSERT_EQ(change.stage, "tuned");
  change.p_holm = 0.001;
  change.difference.low = -0.01;
  const auto told = [&] { return layout::task_sentences(report).at(0); };
  EXPECT_NE(told().find("tuning gained"), std::string::npos) << told();
  change.p_of_metric = false;
  EXPECT_NE(told().find("which can be chance"), std::string::npos) << told();
}

TEST(Proof, SummaryLeadsWithABrokenPromise) {
  const Summary summary = summarize(sample_report());
  EXPECT_NE(summary.promises.find("q4_0"), std::string::npos);
}

}  // namespace
}  // namespace hone
