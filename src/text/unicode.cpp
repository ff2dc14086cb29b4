#include "text/unicode.h"

#include <utf8proc.h>

namespace hone::unicode {
namespace {

constexpr uint32_t kReplacement = 0xFFFD;
constexpr uint32_t kMaxCode = 0x10FFFF;

bool is_space(uint32_t c) noexcept {
  if (c < 0x80) return c == ' ' || (c >= 0x09 && c <= 0x0D);
  return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
         c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

uint8_t compute_class(uint32_t c) noexcept {
  if (is_space(c)) return kSpace;
  // utf8proc keeps the categories of one major class together.
  const utf8proc_category_t category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  if (category == UTF8PROC_CATEGORY_LU || category == UTF8PROC_CATEGORY_LT) return kLetter | kUpper;
  if (category == UTF8PROC_CATEGORY_LL) return kLetter | kLower;
  if (category == UTF8PROC_CATEGORY_LM || category == UTF8PROC_CATEGORY_LO) return kLetter;
  if (category >= UTF8PROC_CATEGORY_MN && category <= UTF8PROC_CATEGORY_ME) return kMark;
  if (category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO) return kNumber;
  if (category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_PO) return kPunct;
  return kOther;
}

std::array<uint8_t, 128> ascii_classes() noexcept {
  std::array<uint8_t, 128> table{};
  for (uint32_t c = 0; c < 128; ++c) table[c] = compute_class(c);
  return table;
}

const std::array<uint8_t, 128> kAscii = ascii_classes();

struct Step {
  uint32_t code;
  size_t size;
};

Step decode_one(std::string_view text, size_t at) noexcept {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[at + i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return {first, 1};
  const size_t size = first >= 0xF8 ? 0 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 0;
  if (size == 0 || text.size() - at < size) return {kReplacement, 1};
  uint32_t code = first & (0xFFU >> (size + 1));
  for (size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {kReplacement, 1};
    code = code << 6 | (byte(i) & 0x3FU);
  }
  if (code > kMaxCode) return {kReplacement, 1};
  return {code, size};
}

}  // namespace

uint8_t class_of(uint32_t code) noexcept {
  return code < 128 ? kAscii[code] : compute_class(code);
}

size_t utf8_size(uint32_t code) noexcept {
  return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}

size_t announced_size(unsigned char first) noexcept {
  return first < 0xC0 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
}

void append_utf8(std::string& out, uint32_t code) {
  const auto put = [&](uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

Chars decode(std::string_view text) {
  Chars chars;
  chars.code.reserve(text.size());
  chars.classes.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const Step step = decode_one(text, at);
    chars.repaired |= utf8_size(step.code) != step.size;
    chars.code.push_back(step.code);
    chars.classes.push_back(class_of(step.code));
    at += step.size;
  }
  return chars;
}

std::vector<uint32_t> sizes(std::string_view text) {
  std::vector<uint32_t> out;
  for (size_t at = 0; at < text.size(); at += out.back())
    out.push_back(static_cast<uint32_t>(decode_one(text, at).size));
  return out;
}

size_t leading_space(std::string_view text) noexcept {
  size_t at = 0;
  while (at < text.size()) {
    const Step step = decode_one(text, at);
    if (!is_space(step.code)) break;
    at += step.size;
  }
  return at;
}

size_t trailing_space(std::string_view text) noexcept {
  size_t end = text.size();
  while (end > 0) {
    size_t at = end - 1;
    while (at > 0 && end - at < 4 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;
    const Step step = decode_one(text.substr(0, end), at);
    if (at + step.size != end || !is_space(step.code)) break;
    end = at;
  }
  return text.size() - end;
}

const std::array<std::string, 256>& byte_alphabet() {
  static const std::array<std::string, 256> table = [] {
    std::array<std::string, 256> out;
    uint32_t next = 256;
    for (uint32_t b = 0; b < 256; ++b) {
      const bool printable = (b >= 0x21 && b <= 0x7E) || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
      append_utf8(out[b], printable ? b : next++);
    }
    return out;
  }();
  return table;
}

std::string from_byte_alphabet(std::string_view token) {
  // The alphabet's code points end at 256 + 67; reversed once.
  static const std::array<int, 324> reverse = [] {
    std::array<int, 324> out{};
    out.fill(-1);
    for (int b = 0; b < 256; ++b) out[decode_one(byte_alphabet()[static_cast<size_t>(b)], 0).code] = b;
    return out;
  }();
  std::string bytes;
  bytes.reserve(token.size());
  for (size_t at = 0; at < token.size();) {
    const Step step = decode_one(token, at);
    if (step.code < reverse.size() && reverse[step.code] >= 0) {
      bytes.push_back(static_cast<char>(reverse[step.code]));
    } else {
      bytes.append(token.substr(at, step.size));
    }
    at += step.size;
  }
  return bytes;
}

}  // namespace hone::unicode
