// Ticks, label placement, and figures from awkward results.
#include <cmath>
#include <limits>

#include "report/html_parts.h"
#include "report/svg_plot.h"
#include "report/test_report.h"

namespace hone::layout {
namespace {

using test::count_of;
using test::markup_error;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(Axis, NiceTicksCoverTheRange) {
  for (const double scale : {1e-7, 0.003, 1.0, 17.0, 1e9}) {
    for (const double low : {-1.0, 0.0, 0.93}) {
      const Axis axis = make_axis(low * scale, 1.07 * scale, 6, 0, 100);
      EXPECT_LE(axis.low, low * scale + 1e-9 * scale);
      EXPECT_GE(axis.high, 1.07 * scale - 1e-9 * scale);
      EXPECT_GE(axis.ticks.size(), 3u);
      EXPECT_LE(axis.ticks.size(), 14u);
    }
  }
  EXPECT_EQ(make_axis(0, 280, 6, 0, 1).label(100), "100");
  EXPECT_EQ(make_axis(1.4, 2.2, 6, 0, 1).step, 0.2);
  EXPECT_EQ(make_axis(1.4, 2.2, 6, 0, 1).label(1.6), "1.6");
  EXPECT_EQ(make_axis(0, 1, 4, 0, 1).label(0.25), "0.25");
}

TEST(Axis, EmptyRangeIsWidened) {
  for (const double value : {0.0, 2.5, -3.0, 1e12}) {
    const Axis axis = make_axis(value, value, 5, 0, 100);
    EXPECT_LT(axis.low, axis.high);
    EXPECT_TRUE(std::isfinite(axis.at(value)));
  }
}

TEST(Labels, NeverOverlapEvenOnOnePoint) {
  const Box bounds{0, 0, 300, 250};
  const std::vector<LabelRequest> requests(12, LabelRequest{150, 125, 60, 18});
  const auto boxes = place_labels(requests, {{144, 100, 12, 50}}, bounds);
  ASSERT_EQ(boxes.size(), 12u);
  for (size_t i = 0; i < boxes.size(); ++i) {
    ASSERT_TRUE(boxes[i]) << i;
    EXPECT_GE(boxes[i]->x, 0);
    EXPECT_LE(boxes[i]->x + boxes[i]->w, 300);
    for (size_t j = 0; j < i; ++j) EXPECT_FALSE(boxes[i]->overlaps(*boxes[j])) << i << " " << j;
  }
}

TEST(Labels, LeftOutWhenThereIsNoRoom) {
  const std::vector<LabelRequest> requests(3, LabelRequest{20, 10, 30, 18});
  const auto boxes = place_labels(requests, {}, {0, 0, 70, 20});
  EXPECT_TRUE(boxes[0]);
  EXPECT_FALSE(boxes[2]);
}

Mark mark_at(const std::string& label, double bytes, double value, double half) {
  Mark mark{.label = label, .tip = label + " <b>", .bytes = bytes};
  mark.value = value;
  mark.low = value - half;
  mark.high = value + half;
  return mark;
}

TEST(Axis, LogarithmicTicksAreDecades) {
  const Axis axis = make_log_axis(0.0003, 0.23, 0, 400);
  EXPECT_EQ(axis.ticks.size(), 5u);
  EXPECT_NEAR(axis.at(0.01), 200, 1e-9);
  EXPECT_EQ(axis.label(axis.ticks[0]) + " " + axis.label(axis.ticks[4]), "0.0001 1");
  EXPECT_EQ(axis.at(0), 0);  // not above zero: the low end, never minus infinity
  EXPECT_LT(make_log_axis(1, 1, 0, 1).low, make_log_axis(1, 1, 0, 1).high);
  EXPECT_TRUE(std::isfinite(make_log_axis(0, 0, 0, 1).at(1)));
}

TEST(SizePlot, DrawsTwelveMarksWithLabels) {
  SizeFigure figure{.id = "size", .title = "t", .y_title = "y", .y_title_short = "y"};
  for (int i = 0; i < 12; ++i)
    figure.marks.push_back(mark_at("file" + std::to_string(i), 1e8 + i % 3, 2.0, 0.1));
  figure.marks[3].series = 1;
  figure.marks[4].plain = true;
  for (const Canvas& canvas : {kWide, kNarrow}) {
    const std::string svg = size_plot(figure, canvas);
    EXPECT_EQ(markup_error(svg), "");
    EXPECT_EQ(count_of(svg, "class=\"dot\""), 12u);
    EXPECT_EQ(count_of(svg, "<rect class=\"dot\""), 1u);  // the second series has a shape of its own
    EXPECT_EQ(count_of(svg, "class=\"mark s0 plain\""), 1u);
    EXPECT_EQ(count_of(svg, "class=\"label"), 12u);
    EXPECT_EQ(count_of(svg, "class=\"whisker\""), 12u);
  }
  figure.marks.resize(1);
  EXPECT_EQ(size_plot(figure, kWide), "");
}

TEST(SizePlot, SkipsStagesWithoutSizeOrLoss) {
  RunReport report = test::sample_report();
  report.stages[0].file_bytes = 0;
  report.stages[1].metrics["answer_loss"].value = kNan;
  report.stages[2].metrics["answer_loss"].low = kNan;
  const std::string html = size_figures({{"", &report}});
  const std::string first = html.substr(0, html.find("class=\"choice c1\""));
  EXPECT_EQ(count_of(first, "class=\"dot\""), 2 * 3u);
  EXPECT_EQ(count_of(first, "class=\"whisker\""), 2 * 2u);
  EXPECT_EQ(html.find("nan"), html.npos);
  EXPECT_NE(first.find("no such measurement: base, tuned."), first.npos);
}

TEST(RowsPlot, BarsAndMarksWithIntervals) {
  RowsFigure figure{.id = "rows", .title = "t", .x_title = "x"};
  EXPECT_EQ(rows_plot(figure, kWide), "");
  figure.marks = {mark_at("a&b", 0, 1.0, 0), mark_at("c", 0, -0.4, 0.1)};
  figure.values = {"100 %", "<i>"};
  figure.level = 1;
  figure.scale = 100;
  for (const bool bars : {true, false}) {
    figure.bars = bars;
    for (const Canvas& canvas : {kWide, kNarrow}) {
      const std::string svg = rows_plot(figure, canvas);
      EXPECT_EQ(markup_error(svg), "");
      EXPECT_EQ(count_of(svg, "class=\"bar\""), bars ? 2u : 0u);
      EXPECT_EQ(count_of(svg, "class=\"whisker"), 1u);  // no interval is known of the first
      EXPECT_EQ(svg.find("width=\"-"), svg.npos);       // a bar below zero goes left
    }
  }
}

TEST(LossPlot, EmptyAndAllNan) {
  RunReport report;
  EXPECT_EQ(loss_plot({{"", report.loss_curve}}, kWide), "");
  report.loss_curve.assign(5, {1, 1, kNan, std::nullopt, 0});
  EXPECT_EQ(loss_plot({{"", report.loss_curve}}, kWide), "");
}

TEST(LossPlot, OnePointAndValidationOnly) {
  RunReport report;
  report.loss_curve = {{0, 0, 2.0, std::nullopt, 0}};
  EXPECT_EQ(markup_error(loss_plot({{"", report.loss_curve}}, kWide)), "");
  report.loss_curve = {{0, 0, kNan, 2.0, kNan}, {10, 0, kNan, 1.5, kNan}};
  const std::string svg = loss_plot({{"", report.loss_curve}}, kNarrow);
  EXPECT_EQ(markup_error(svg), "");
  EXPECT_EQ(svg.find("nan"), svg.npos);
  EXPECT_NE(svg.find("validation 1.500"), svg.npos);
}

TEST(LossPlot, LongCurvesStaySmall) {
  RunReport report;
  for (uint64_t step = 1; step <= 200'000; ++step) {
    report.loss_curve.push_back(
        {step, step * 512, 2.0 + 0.1 * std::sin(static_cast<double>(step)), {}, 1e-4});
  }
  report.loss_curve[777].valid_loss = 2.25;
  const std::string svg = loss_plot({{"", report.loss_curve}}, kWide);
  EXPECT_LT(svg.size(), 150'000u);
  EXPECT_NE(svg.find("class=\"valid-dot\""), svg.npos);
}

TEST(LossPlot, SmoothsAroundThePoint) {
  RunReport report;  // a straight line: a centred average must not shift it
  for (uint64_t step = 0; step < 21; ++step) {
    report.loss_curve.push_back({step, 0, 3.0 - 0.1 * static_cast<double>(step), {}, 0});
  }
  const std::string svg = loss_plot({{"", report.loss_curve}}, kWide);
  EXPECT_NE(svg.find("Step 10\ntrain 2.000 (average 2.000)"), svg.npos);
  EXPECT_NE(svg.find("Step 20\ntrain 1.000 (average 1.000)"), svg.npos);
}

TEST(LossPlot, TwoRunsShareTheirSteps) {
  std::vector<LossPoint> a = {{1, 10, 2.0, 2.1, 1e-4}, {2, 20, 1.8, {}, 1e-4}}, b = a;
  b.push_back({3, 30, 1.5, {}, 1e-4});
  const std::string svg = loss_plot({{"run 1", a}, {"run <2>", b}}, kWide);
  EXPECT_EQ(markup_error(svg), "");
  EXPECT_EQ(count_of(svg, "class=\"column\""), 3u);
  EXPECT_NE(svg.find("run 1:\ntrain 2.000"), svg.npos);
  EXPECT_NE(svg.find("run &lt;2&gt;:\ntrain 1.500"), svg.npos);
  EXPECT_EQ(loss_plot({{"run 1", {}}, {"run 2", {}}}, kWide), "");
  // A run without a curve keeps its place, and so its colour.
  EXPECT_NE(loss_plot({{"run 1", {}}, {"run 2", b}}, kWide).find("<circle class=\"s1\""), std::string::npos);
}

}  // namespace
}  // namespace hone::layout
