// The two figures as inline SVG. Colours come from the page's style (classes and variables), so both follow
// the reader's colour scheme. Each figure is drawn twice, wide and narrow, because text in a scaled SVG would
// be too small on a phone; the style shows one of them.
#pragma once

#include <string>

#include "report/axis.h"
#include "report/results.h"

namespace hone::layout {

struct Canvas {
  double w = 0, h = 0;
  bool narrow = false;
};
inline constexpr Canvas kWide{860, 420, false};
inline constexpr Canvas kNarrow{360, 360, true};

// File size across, answer loss with its interval up. Empty when fewer than two stages have both.
std::string size_plot(const RunReport& report, const Canvas& canvas);
// Stages that size_plot cannot draw, as "tuned, base"; empty when it draws all.
std::string not_in_size_plot(const RunReport& report);
// Training loss (light, and smoothed), validation loss, and the learning rate below. Empty without points.
std::string loss_plot(const RunReport& report, const Canvas& canvas);

// Helpers shared by the figures.
std::string svg_open(const Canvas& canvas, const std::string& id, const std::string& title,
                     const std::string& description);
std::string svg_grid(const Axis& x, const Axis& y, const std::string& x_title, const std::string& y_title);
std::string svg_text(double x, double y, const char* css_class, const std::string& text);
std::string svg_polyline(const std::vector<std::pair<double, double>>& points, const char* css_class);

}  // namespace hone::layout
