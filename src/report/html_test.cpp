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
  const std::string body = html.substr(html.find("<main>"), html.find("</main>") - html.find("<main>"));
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
                              "Share of the gain that each step keeps", "Distance from the reference",
                              "Example answers", "What was done", "How to repeat it", "Notes"}) {
    EXPECT_EQ(count_of(html, std::string(">") + heading + "<a class=\"anchor\""), 1u) << heading;
  }
  EXPECT_EQ(count_of(html, "<h1>"), 1u);
  // Gain, three qualities against size, distance, loss: each wide and narrow.
  EXPECT_EQ(count_of(html, "<svg class=\"plot wide"), 7u);
  EXPECT_EQ(count_of(html, "<svg class=\"plot narrow"), 7u);
  EXPECT_EQ(count_of(html, "<script>"), 1u);
  EXPECT_LT(html.size(), 220'000u);
  for (const char* outside : {"http://", "https://", "src=", "@import", "url("}) {
    EXPECT_EQ(html.find(outside), html.npos) << outside;
  }
  EXPECT_NE(html.find("<td class=\"n\" data-v=\"1.5254\">1.525<small>± 0.023</small></td>"), html.npos);
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
  EXPECT_NE(html.find("Not drawn, having no size or no such measurement: q8_0, q4_0."), html.npos);
}

// The link's bytes, decoded.
std::string embedded_data(const std::string& html) {
  const std::string start = "base64,";
  const size_t at = html.find(start) + start.size();
  const std::string_view digits(html.data() + at, html.find('"', at) - at);
  const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  unsigned bits = 0;
  int n = 0;
  for (const char c : digits) {
    if (c == '=') break;
    bits = (bits << 6 | static_cast<unsigned>(alphabet.find(c))) & 0xFFFFFF;
    n += 6;
    if (n >= 8) out += static_cast<char>(bits >> (n -= 8) & 0xFF);
  }
  return out;
}

TEST(Html, TheDataLinkHoldsTheWholeReport) {
  for (const char* name : {"a", "ab", "abc", "ä\""}) {  // the three lengths of a last group
    RunReport report = sample_report();
    report.name = name;
    EXPECT_EQ(embedded_data(render_html(report)), to_json(report).dump());
  }
  RunReport large = sample_report();
  large.notes.push_back(std::string(600 << 10, 'x'));
  EXPECT_EQ(layout::header_section(large).find("base64"), std::string::npos);
  EXPECT_NE(render_html(large).find("report.json beside this page"), std::string::npos);
}

TEST(Html, SwitchesWorkWithoutAScript) {
  const std::string html = render_html(sample_report());
  // Every label has its input, and every input stands before the figure that it switches.
  const std::regex label("<label for=\"([a-z0-9-]+)\">");
  size_t n = 0;
  for (std::sregex_iterator at(html.begin(), html.end(), label), end; at != end; ++at, ++n)
    EXPECT_EQ(count_of(html, "id=\"" + (*at)[1].str() + "\""), 1u) << (*at)[1];
  EXPECT_EQ(n, 9u);  // three qualities; training, validation, learning rate; three averages
  EXPECT_EQ(count_of(html, "<button"), 1u);  // the colour switch, hidden until the script is there
  EXPECT_NE(html.find("class=\"tool theme\" hidden"), html.npos);
}

TEST(Html, FindingsAreWorded) {
  RunReport report = sample_report();
  report.findings = {{"take", "q8_0", *report.stages[3].gain_kept},
                     {"few_windows", "", {.value = 10, .n = 10}},
                     {"from a later version", "<b>", {}}};
  report.general_change = Measured{1.03, 0.01, 100, 1.01, 1.05};
  const std::string html = render_html(report);
  EXPECT_EQ(markup_error(html), "");
  EXPECT_NE(html.find("Tuning helped, and the 8-bit file (q8_0) keeps nearly all of it."), html.npos);
  EXPECT_NE(html.find("Only 10 windows of general text"), html.npos);
  // The summary's figures are in a table too.
  EXPECT_NE(html.find("<td class=\"n\">0.582</td><td class=\"n\">0.553 to 0.610</td>"), html.npos);
  EXPECT_NE(html.find("<td class=\"n\">1.030</td><td class=\"n\">1.010 to 1.050</td>"), html.npos);
  EXPECT_EQ(html.find("later version"), html.find("later version", html.find("base64")));
  report.findings = {{"take_none", "", {}}};
  EXPECT_NE(render_html(report).find("Nothing can be concluded"), std::string::npos);
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
  EXPECT_EQ(count_of(html, "<span class=\"name\">"), 1u);
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
  EXPECT_EQ(count_of(html, "<span class=\"name\">"), 12u);
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
