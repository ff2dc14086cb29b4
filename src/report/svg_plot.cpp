// SVG pieces that the figures use.
#include "report/svg_plot.h"

#include <fmt/format.h>

#include "report/text.h"

namespace hone::layout {

std::string svg_open(const Canvas& canvas, const std::string& id, const std::string& title,
                     const std::string& description) {
  const char* width = canvas.narrow ? "narrow" : "wide";
  return fmt::format(
      "<svg class=\"plot {0}\" viewBox=\"0 0 {1:g} {2:g}\" role=\"img\" aria-labelledby=\"{3}-{0}-t "
      "{3}-{0}-d\">\n"
      "<title id=\"{3}-{0}-t\">{4}</title>\n<desc id=\"{3}-{0}-d\">{5}</desc>\n",
      width, canvas.w, canvas.h, id, escape_html(title), escape_html(description));
}

std::string svg_text(double x, double y, const char* css_class, const std::string& text) {
  return fmt::format("<text class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", css_class, x, y,
                     escape_html(text));
}

std::string svg_line(const char* css_class, double x1, double y1, double x2, double y2) {
  return fmt::format("<line class=\"{}\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>\n",
                     css_class, x1, x2, y1, y2);
}

std::string svg_grid(const Axis& x, const Axis& y, const std::string& x_title, const std::string& y_title) {
  std::string out = "<g class=\"grid\">\n";
  for (const double tick : y.ticks) {
    const double at = y.at(tick);
    out += svg_line("rule", x.from, at, x.to, at);
    out += svg_text(x.from - 8, at + 4, "tick end", y.label(tick));
  }
  for (const double tick : x.ticks) {
    const double at = x.at(tick);
    out += svg_line("rule", at, y.from, at, y.from + 5);
    out += svg_text(at, y.from + 20, "tick mid", x.label(tick));
  }
  out += "</g>\n";
  if (!x_title.empty()) out += svg_text((x.from + x.to) / 2, y.from + 42, "axis-title mid", x_title);
  if (!y_title.empty()) out += svg_text(4, 14, "axis-title", y_title);
  return out;
}

std::string svg_polyline(const std::vector<std::pair<double, double>>& points, const std::string& css_class) {
  if (points.empty()) return "";
  std::string out = fmt::format("<polyline class=\"{}\" points=\"", css_class);
  for (const auto& [x, y] : points) out += fmt::format("{:.1f},{:.1f} ", x, y);
  out.back() = '"';
  return out + "/>\n";
}

std::string svg_dot(double x, double y, int series) {
  std::string out = fmt::format("<circle class=\"hit\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"14\"/>", x, y);
  if (series == 0)
    return out + fmt::format("<circle class=\"dot\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"5.5\"/>", x, y);
  return out + fmt::format("<rect class=\"dot\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"10\" height=\"10\"/>",
                           x - 5, y - 5);
}

std::string mark_class(const Mark& mark) {
  return fmt::format("mark s{}{}", mark.series, mark.plain ? " plain" : "");
}

}  // namespace hone::layout
