// SVG pieces that both figures use.
#include "report/svg_plot.h"

#include <fmt/format.h>

#include "report/text.h"

namespace hone::layout {

std::string svg_open(const Canvas& canvas, const std::string& id, const std::string& title,
                     const std::string& description) {
  return fmt::format(
      "<svg class=\"plot {0}\" viewBox=\"0 0 {1:g} {2:g}\" role=\"img\" aria-labelledby=\"{3}-t {3}-d\">\n"
      "<title id=\"{3}-t\">{4}</title>\n<desc id=\"{3}-d\">{5}</desc>\n",
      canvas.narrow ? "narrow" : "wide", canvas.w, canvas.h, id, escape_html(title),
      escape_html(description));
}

std::string svg_text(double x, double y, const char* css_class, const std::string& text) {
  return fmt::format("<text class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", css_class, x, y,
                     escape_html(text));
}

std::string svg_grid(const Axis& x, const Axis& y, const std::string& x_title, const std::string& y_title) {
  std::string out = "<g class=\"grid\">\n";
  for (const double tick : y.ticks) {
    const double at = y.at(tick);
    out += fmt::format("<line x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>\n", x.from, x.to, at,
                       at);
    out += svg_text(x.from - 8, at + 4, "tick end", y.label(tick));
  }
  for (const double tick : x.ticks) {
    const double at = x.at(tick);
    out += fmt::format("<line x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>\n", at, at, y.from,
                       y.from + 5);
    out += svg_text(at, y.from + 20, "tick mid", x.label(tick));
  }
  out += "</g>\n";
  if (!x_title.empty()) out += svg_text((x.from + x.to) / 2, y.from + 42, "axis-title mid", x_title);
  out += svg_text(4, 14, "axis-title", y_title);
  return out;
}

std::string svg_polyline(const std::vector<std::pair<double, double>>& points, const char* css_class) {
  if (points.empty()) return "";
  std::string out = fmt::format("<polyline class=\"{}\" points=\"", css_class);
  for (const auto& [x, y] : points) out += fmt::format("{:.1f},{:.1f} ", x, y);
  out.back() = '"';
  return out + "/>\n";
}

}  // namespace hone::layout
