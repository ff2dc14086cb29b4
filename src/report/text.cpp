// Escaping and terminal columns. Numbers are in numbers.cpp.
#include "report/text.h"

#include <cstddef>

namespace hone::layout {
namespace {

// Ranges good enough for a table of names and numbers; a terminal has its own idea of the rest.
int code_point_width(char32_t c) {
  if ((c >= 0x0300 && c <= 0x036F) || (c >= 0x200B && c <= 0x200F) || (c >= 0x202A && c <= 0x202E) ||
      (c >= 0x2060 && c <= 0x2064) || (c >= 0x20D0 && c <= 0x20FF) || (c >= 0xFE00 && c <= 0xFE0F)) {
    return 0;
  }
  const bool wide = (c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0x303E) ||
                    (c >= 0x3041 && c <= 0xA4CF) || (c >= 0xAC00 && c <= 0xD7A3) ||
                    (c >= 0xF900 && c <= 0xFAFF) || (c >= 0xFE30 && c <= 0xFE6F) ||
                    (c >= 0xFF00 && c <= 0xFF60) || (c >= 0xFFE0 && c <= 0xFFE6) ||
                    (c >= 0x1F300 && c <= 0x1FAFF) || (c >= 0x20000 && c <= 0x3FFFD);
  return wide ? 2 : 1;
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  for (const char c : clean_text(text)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

int display_width(std::string_view text) {
  int width = 0;
  for (size_t at = 0; at < text.size();) {
    const CodePoint point = next_code_point(text, at);
    width += point.value == kMalformed ? 1 : code_point_width(point.value);
    at += point.bytes;
  }
  return width;
}

std::string fit_columns(std::string_view text, int columns) {
  if (display_width(text) <= columns) return std::string(text);
  if (columns <= 0) return "";
  int width = 0;
  size_t at = 0;
  while (at < text.size()) {
    const CodePoint point = next_code_point(text, at);
    const int step = point.value == kMalformed ? 1 : code_point_width(point.value);
    if (width + step > columns - 1) break;
    width += step;
    at += point.bytes;
  }
  return std::string(text.substr(0, at)) + "\u2026";
}

}  // namespace hone::layout
