// UTF-8 repair, escaping and terminal columns. Numbers are in numbers.cpp.
#include "report/text.h"

#include <cstddef>

namespace hone::layout {
namespace {

constexpr char32_t kBad = 0xFFFFFFFF;
constexpr std::string_view kReplacement = "\uFFFD";

struct CodePoint {
  char32_t value;  // kBad for a malformed sequence
  size_t bytes;    // at least 1
};

// The next code point by the Unicode table of well-formed sequences; a malformed one takes its longest valid
// prefix, as browsers do, so that the same bytes show the same number of replacement characters.
CodePoint next_code_point(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(at);
  if (lead < 0x80) return {lead, 1};
  size_t length = 0;
  char32_t value = 0;
  unsigned low = 0x80, high = 0xBF;  // bounds of the second byte
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2, value = lead & 0x1F;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3, value = lead & 0x0F;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4, value = lead & 0x07;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
  } else {
    return {kBad, 1};
  }
  for (size_t i = 1; i < length; ++i) {
    if (at + i >= text.size() || byte(at + i) < low || byte(at + i) > high) return {kBad, i};
    value = (value << 6) | (byte(at + i) & 0x3F);
    low = 0x80, high = 0xBF;
  }
  return {value, length};
}

bool is_control(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0);
}

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

std::string valid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const CodePoint point = next_code_point(text, at);
    out += point.value == kBad ? kReplacement : text.substr(at, point.bytes);
    at += point.bytes;
  }
  return out;
}

std::string clean_text(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const CodePoint point = next_code_point(text, at);
    if (point.value == '\r') {
      const bool pair = at + 1 < text.size() && text[at + 1] == '\n';
      if (!pair) out += '\n';
    } else if (point.value == kBad ||
               (is_control(point.value) && point.value != '\n' && point.value != '\t')) {
      out += kReplacement;
    } else {
      out += text.substr(at, point.bytes);
    }
    at += point.bytes;
  }
  return out;
}

std::string single_line(std::string_view text) {
  std::string out;
  bool space = false;
  for (const char c : clean_text(text)) {
    if (c == ' ' || c == '\n' || c == '\t') {
      space = true;
      continue;
    }
    if (space && !out.empty()) out += ' ';
    space = false;
    out += c;
  }
  return out;
}

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
    width += point.value == kBad ? 1 : code_point_width(point.value);
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
    const int step = point.value == kBad ? 1 : code_point_width(point.value);
    if (width + step > columns - 1) break;
    width += step;
    at += point.bytes;
  }
  return std::string(text.substr(0, at)) + "\u2026";
}

}  // namespace hone::layout
