// Unicode facts come from utf8proc; Python's own definitions (what a space is) are spelled out.
#include "text/jinja_text.h"

#include <utf8proc.h>

#include <algorithm>

namespace hone::jinja {

CodePoint code_point_at(std::string_view s, size_t at) {
  const auto lead = static_cast<unsigned char>(s[at]);
  if (lead < 0x80) return {lead, 1};
  utf8proc_int32_t value = 0;
  const auto left = static_cast<utf8proc_ssize_t>(std::min<size_t>(s.size() - at, 4));
  const auto n = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(s.data() + at), left, &value);
  if (n <= 0) return {0xDC00 + lead, 1};
  return {value, static_cast<size_t>(n)};
}

void append_utf8(std::string& out, int32_t code_point) {
  utf8proc_uint8_t buffer[4];
  const auto n = utf8proc_encode_char(code_point, buffer);
  out.append(reinterpret_cast<const char*>(buffer), static_cast<size_t>(n));
}

bool is_ascii(std::string_view s) {
  return std::all_of(s.begin(), s.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

size_t count_code_points(std::string_view s) {
  size_t n = 0;
  for (CharWalk w{s}; !w.done(); w.next()) ++n;
  return n;
}

size_t byte_offset(std::string_view s, size_t code_points) {
  CharWalk w{s};
  for (; code_points > 0 && !w.done(); --code_points) w.next();
  return w.at;
}

bool is_space(int32_t c) {
  return (c >= 9 && c <= 13) || (c >= 28 && c <= 32) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

bool is_line_break(int32_t c) {
  return (c >= 10 && c <= 13) || (c >= 28 && c <= 30) || c == 0x85 || c == 0x2028 || c == 0x2029;
}

namespace {
bool category_between(int32_t c, utf8proc_category_t first, utf8proc_category_t last) {
  const auto category = utf8proc_category(c);
  return category >= first && category <= last;
}

std::string encoded(int32_t c) {
  std::string out;
  append_utf8(out, c);
  return out;
}

// A byte that is not UTF-8 (see code_point_at).
bool is_stray_byte(int32_t c) {
  return c >= 0xDC80 && c <= 0xDCFF;
}
std::string stray_byte(int32_t c) {
  return std::string(1, static_cast<char>(c - 0xDC00));
}
}  // namespace

bool is_printable(int32_t c) {
  if (c == ' ') return true;
  return !category_between(c, UTF8PROC_CATEGORY_ZS, UTF8PROC_CATEGORY_CO) &&
         utf8proc_category(c) != UTF8PROC_CATEGORY_CN;
}
bool is_alpha(int32_t c) {
  return category_between(c, UTF8PROC_CATEGORY_LU, UTF8PROC_CATEGORY_LO);
}
bool is_digit(int32_t c) {
  return utf8proc_category(c) == UTF8PROC_CATEGORY_ND;
}
bool is_upper(int32_t c) {
  return utf8proc_category(c) == UTF8PROC_CATEGORY_LU;
}
bool is_lower(int32_t c) {
  return utf8proc_category(c) == UTF8PROC_CATEGORY_LL;
}
bool is_word(int32_t c) {
  return c == '_' || is_alpha(c) || category_between(c, UTF8PROC_CATEGORY_ND, UTF8PROC_CATEGORY_NO);
}

std::string upper(int32_t c) {
  if (is_stray_byte(c)) return stray_byte(c);
  if (c == 0xDF) return "SS";
  return encoded(utf8proc_toupper(c));
}
std::string lower(int32_t c) {
  return is_stray_byte(c) ? stray_byte(c) : encoded(utf8proc_tolower(c));
}
std::string title(int32_t c) {
  if (is_stray_byte(c)) return stray_byte(c);
  if (c == 0xDF) return "Ss";
  return encoded(utf8proc_totitle(c));
}
std::string casefold(int32_t c) {
  if (is_stray_byte(c)) return stray_byte(c);
  utf8proc_int32_t folded[8];
  const utf8proc_ssize_t n = utf8proc_decompose_char(c, folded, 8, UTF8PROC_CASEFOLD, nullptr);
  std::string out;
  for (utf8proc_ssize_t i = 0; i < n && i < 8; ++i) out += encoded(folded[i]);
  return out;
}

}  // namespace hone::jinja
