#include "bench_svg.h"

#include <fmt/format.h>

#include "report/text.h"

namespace hone::cli {
namespace {

constexpr const char* kStyle =
    "<style>text{font:13px system-ui,sans-serif;fill:#222}.dim{fill:#666}.small{font-size:11px}"
    ".paper{fill:#fff}.grid{stroke:#ddd}.strong{stroke:#888}.one{stroke:#222;stroke-dasharray:4 3}"
    ".roof{stroke:#888;stroke-width:1.5}.track{fill:#eee}"
    ".c0{fill:#0072b2;stroke:#0072b2}.c1{fill:#d55e00;stroke:#d55e00}.c2{fill:#009e73;stroke:#009e73}"
    ".c3{fill:#cc79a7;stroke:#cc79a7}.c4{fill:#b8860b;stroke:#b8860b}.c5{fill:#56b4e9;stroke:#56b4e9}.shape{"
    "fill:none;stroke-width:2}"
    "@media(prefers-color-scheme:dark){text{fill:#ddd}.dim{fill:#999}.paper{fill:#161616}.grid{stroke:#333}"
    ".one{stroke:#ddd}.track{fill:#2a2a2a}}</style>\n";

}  // namespace

std::string svg_begin(double width, double height, const std::string& title) {
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:g} {1:g}\" width=\"{0:g}\" role=\"img\">\n"
      "<title>{2}</title>\n{3}<rect class=\"paper\" width=\"{0:g}\" height=\"{1:g}\"/>\n",
      width, height, layout::escape_html(title), kStyle);
}

std::string svg_label(double x, double y, const char* anchor, const char* css_class,
                      const std::string& text) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\" class=\"{}\">{}</text>\n", x, y,
                     anchor, css_class, layout::escape_html(text));
}

std::string svg_line(double x1, double y1, double x2, double y2, const char* css_class) {
  return fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" class=\"{}\"/>\n", x1, y1,
                     x2, y2, css_class);
}

std::string svg_dot(double x, double y, const char* css_class, const std::string& tip) {
  return fmt::format(
      "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4.5\" class=\"{}\"><title>{}</title></circle>\n", x, y,
      css_class, layout::escape_html(tip));
}

std::string series_class(size_t i) {
  return fmt::format("c{}", i % 6);
}

}  // namespace hone::cli
