// Pieces that the pictures of `hone bench` share: pictures that stand alone, readable on light and dark
// pages.
#pragma once

#include <string>

namespace hone::cli {

std::string svg_begin(double width, double height, const std::string& title);
inline constexpr const char* kSvgEnd = "</svg>\n";
// anchor: start, middle or end. css_class: "", "dim", "small".
std::string svg_label(double x, double y, const char* anchor, const char* css_class, const std::string& text);
std::string svg_line(double x1, double y1, double x2, double y2, const char* css_class);
// A dot that shows `tip` under the pointer.
std::string svg_dot(double x, double y, const char* css_class, const std::string& tip);
// Colours of series, by number: classes "c0" to "c5" (fill and stroke).
std::string series_class(size_t i);

}  // namespace hone::cli
