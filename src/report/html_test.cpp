// The page: well-formed, escaped, complete when measurements are missing.
#include <cmath>
#include <limits>
#include <regex>

#include "report/html_parts.h"
#include "report/test_report.h"

namespace hone {
namespace {

using test::count_of;
using test::markup_error;
using test::sample_report;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

// Text with "nan" or "inf" as a word where a reader would see it; the script and the style are ours.
bool shows_not_finite(const std::string& html) {
  const std::string body = html.substr(html.find("<main>"), html.find("<script>") - html.find("<main>"));
  return std::regex_search(body, std::regex("(^|[^A-Za-z])-?(nan|inf|NaN|Infinity)([^A-Za-z]|$)"));
}

TEST(MarkupCheck, SeesBrokenMarkup) {
  EXPECT_EQ(markup_error("<p class=\"a\">x &amp; y</p>"), "");
  for (const char* bad : {"<p>", "<p></b></p>", "<p class=a></p>", "<p>a < b</p>", "<p>a & b</p>",
                          "<p id=\"a\"></p><p id=\"a\"></p>", "<p title=\"<b>\"></p>"}) {
    EXPECT_NE(markup_error(bad), "") << bad;
  }
}

TEST(Html, SampleIsWellFormedAndSelfContained) {
  const std::string html = render_html(sample_report());
  EXPECT_EQ(markup_error(html), "");
  EXPECT_FALSE(shows_not_finite(html));
  for (const char* heading : {"What each stage kept and lost", "Quality against size", "How the tuning went",
                              "Example answers", "What was done", "How to repeat it", "Notes"}) {
    EXPECT_EQ(count_of(html, std::string(">") + heading + "</h2>"), 1u) << heading;
  }
  EXPECT_EQ(count_of(html, "<h1>"), 1u);
  EXPECT_EQ(count_of(html, "<svg "), 4u);
  for (const char* outside : {"http://", "https://", "src=", "@import", "url("}) {
    EXPECT_EQ(html.find(outside), html.npos) << outside;
  }
  EXPECT_NE(html.find("<td class=\"n\">1.525<small>± 0.023</small></td>"), html.npos);
}

TEST(Html, EveryStringIsEscaped) {
  const std::string evil =
      "</script></style><img src=x onerror=\"alert('1')\">&amp; \xF0\x9F\xA9\xBA \xFF\xC3( \x01";
  auto json = to_json(sample_report());
  // Put the hostile text into every string of the report, however deep.
  const std::function<void(nlohmann::ordered_json&)> poison = [&](nlohmann::ordered_json& node) {
    if (node.is_string()) node = node.get<std::string>() + evil;
    if (node.is_structured()) {
      for (auto& child : node) poison(child);
    }
  };
  poison(json);
  RunReport report = from_json(json);
  report.stages[0].metrics["<b>" + evil] = {1, 0.1, 3, 0.9, 1.1};
  const std::string html = render_html(report);
  EXPECT_EQ(markup_error(html), "");
  EXPECT_EQ(html.find("<img"), html.npos);
  EXPECT_EQ(html.find("onerror=\""), html.npos);
  EXPECT_EQ(count_of(html, "</script>"), 1u);
  EXPECT_EQ(count_of(html, "</style>"), 1u);
  EXPECT_EQ(html.find('\xFF'), html.npos);
  EXPECT_EQ(html.find('\x01'), html.npos);
  EXPECT_NE(html.find("\xF0\x9F\xA9\xBA \uFFFD\uFFFD("), html.npos);  // emoji kept, bad bytes replaced
}

TEST(Html, AbsentAndNotFiniteAreDashes) {
  RunReport report = sample_report();
  report.stages[3].metrics.clear();
  report.stages[3].gain_kept.reset();
  for (auto& [key, metric] : report.stages[4].metrics) metric = {kNan, kNan, 0, kNan, kInf};
  report.stages[4].gain_kept = Measured{kNan, kNan, 0, kNan, kNan};
  report.stages[4].bits_per_weight = kNan;
  report.stages[1].metrics["answer_loss"].stderr_ = kInf;
  report.stages[1].metrics["answer_loss"].low = -kInf;
  report.tuning_gain = Measured{kNan, kNan, 0, kNan, kNan};
  report.total_seconds = report.train_tok_s = kNan;
  report.loss_curve[3].train_loss = kNan;
  report.loss_curve[9].valid_loss = kInf;
  report.loss_curve[12].lr = kNan;
  const std::string html = render_html(report);
  EXPECT_EQ(markup_error(html), "");
  EXPECT_FALSE(shows_not_finite(html));
  EXPECT_GE(count_of(html, "<td class=\"n\">\u2013</td>"), 12u);
  EXPECT_NE(html.find("Not drawn, for want of a size or a loss: q8_0, q4_0."), html.npos);
}

TEST(Html, EmptyReport) {
  const std::string html = render_html({});
  EXPECT_EQ(markup_error(html), "");
  EXPECT_NE(html.find("No loss curve was recorded"), html.npos);
  EXPECT_EQ(count_of(html, "<table"), 0u);
}

TEST(Html, SingleStage) {
  RunReport report = sample_report();
  report.stages.resize(1);
  const std::string html = render_html(report);
  EXPECT_EQ(markup_error(html), "");
  EXPECT_EQ(html.find("Quality against size"), html.npos);
  EXPECT_EQ(count_of(html, "<tr>"), 2u);
}

TEST(Html, TwelveStages) {
  RunReport report = sample_report();
  for (int i = 0; i < 7; ++i) {
    StageResult stage = report.stages[4];
    stage.name = "q4_k_" + std::to_string(i);
    report.stages.push_back(stage);
  }
  const std::string html = render_html(report);
  EXPECT_EQ(markup_error(html), "");
  EXPECT_EQ(count_of(html, "<th scope=\"row\">"), 12u);
}

TEST(Html, FurtherMetricsGetAColumn) {
  RunReport report = sample_report();
  report.stages[2].metrics["acc_norm"] = {0.512, 0.01, 500, 0.49, 0.53};
  const std::string html = render_html(report);
  EXPECT_NE(html.find("acc_norm</th>"), html.npos);
  EXPECT_NE(html.find("0.512<small>± 0.010"), html.npos);
}

TEST(Html, LongAnswersFoldAndEqualAnswersShareABlock) {
  const std::string html = layout::examples_section(sample_report());
  EXPECT_EQ(count_of(html, "class=\"fold\""), 2u);  // the second question has short answers only
  EXPECT_NE(html.find("<h4>tuned, merged, q8_0</h4>"), html.npos);
  EXPECT_NE(html.find("not absorbed."), html.npos);  // the whole answer is in the page
}

TEST(Html, NewlinesOfAnswersAreKept) {
  RunReport report;
  report.examples.push_back({"Q", "", {{"base", "one\r\ntwo\n\nthree"}, {"tuned", ""}}});
  const std::string html = layout::examples_section(report);
  EXPECT_NE(html.find(">one\ntwo\n\nthree</div>"), html.npos);
  EXPECT_NE(html.find("<em>empty</em>"), html.npos);
}

}  // namespace
}  // namespace hone
