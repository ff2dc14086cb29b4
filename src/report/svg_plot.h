// The figures as inline SVG. Colours come from the page's style (classes and variables), so they follow the
// reader's colour scheme. Each figure is drawn twice, wide and narrow, because text in a scaled SVG would be
// too small on a phone; the style shows one of them. Everything that can be switched is drawn, in classes
// that the style shows or hides, so no script is needed for it.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "report/axis.h"
#include "report/results.h"

namespace hone::layout {

struct Canvas {
  double w = 0, h = 0;
  bool narrow = false;
};
inline constexpr Canvas kWide{860, 420, false};
inline constexpr Canvas kNarrow{360, 360, true};

// A value with its interval, as one mark. low = high: no interval is known.
struct Mark {
  std::string label, tip;  // beside the mark; what hover and focus tell, and screen readers read
  double bytes = 0;        // size_plot: the place across
  double value = 0, low = 0, high = 0;
  int series = 0;      // 0: circle, first colour; 1: square, second colour
  bool plain = false;  // the model before tuning: hollow and grey
};

// File size across, a quality up.
struct SizeFigure {
  std::string id, title;               // id: unique on the page
  std::string y_title, y_title_short;  // with unit; the short one for narrow screens
  std::vector<Mark> marks{};
  std::optional<double> level{};  // a dotted line to compare with
  bool log = false;
};
std::string size_plot(const SizeFigure& figure, const Canvas& canvas);

// One line per mark with its value across: bars from zero, or marks alone.
struct RowsFigure {
  std::string id, title, x_title;
  std::vector<Mark> marks{};
  std::vector<std::string> values{};  // beside `marks`: the value in words, at the right
  std::optional<double> level{};
  double scale = 1;  // of the axis' numbers: 100 for per cent
  bool bars = false, log = false;
};
std::string rows_plot(const RowsFigure& figure, const Canvas& canvas);

// Training loss (as measured, and two averages), validation loss, and the learning rate below. One or two
// runs.
struct LossSeries {
  std::string name;  // "" for a single run
  std::vector<LossPoint> points;
};
std::string loss_plot(const std::vector<LossSeries>& series, const Canvas& canvas);

// Helpers shared by the figures.
std::string svg_open(const Canvas& canvas, const std::string& id, const std::string& title,
                     const std::string& description);
std::string svg_grid(const Axis& x, const Axis& y, const std::string& x_title, const std::string& y_title);
std::string svg_text(double x, double y, const char* css_class, const std::string& text);
std::string svg_line(const char* css_class, double x1, double y1, double x2, double y2);
std::string svg_polyline(const std::vector<std::pair<double, double>>& points, const std::string& css_class);
// The mark's dot in its series' shape, with a larger invisible one that is easier to hit.
std::string svg_dot(double x, double y, int series);
// "mark s0", "mark s1 plain".
std::string mark_class(const Mark& mark);

}  // namespace hone::layout
