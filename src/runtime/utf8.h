// UTF-8 validity, for text from files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace hone {

// Length of the well-formed sequence at text[at] (1 to 4), or 0 when there is none (Unicode 15, table 3-7).
inline size_t utf8_sequence(std::string_view text, size_t at) noexcept {
  const auto byte = [&](size_t i) -> uint8_t {
    return i < text.size() ? static_cast<uint8_t>(text[i]) : uint8_t{0};
  };
  const auto tail = [&](size_t i) { return (byte(i) & 0xc0u) == 0x80u; };
  const uint8_t a = byte(at), b = byte(at + 1);
  if (at >= text.size()) return 0;
  if (a < 0x80) return 1;
  if (a >= 0xc2 && a <= 0xdf) return tail(at + 1) ? 2 : 0;
  if (a >= 0xe0 && a <= 0xef) {
    if (!tail(at + 1) || !tail(at + 2) || (a == 0xe0 && b < 0xa0) || (a == 0xed && b > 0x9f)) return 0;
    return 3;
  }
  if (a >= 0xf0 && a <= 0xf4) {
    if (!tail(at + 1) || !tail(at + 2) || !tail(at + 3) || (a == 0xf0 && b < 0x90) || (a == 0xf4 && b > 0x8f))
      return 0;
    return 4;
  }
  return 0;
}

// Offset of the first byte that is not part of well-formed UTF-8; npos when all is well.
inline size_t invalid_utf8_at(std::string_view text) noexcept {
  for (size_t i = 0; i < text.size();) {
    const size_t n = utf8_sequence(text, i);
    if (n == 0) return i;
    i += n;
  }
  return std::string_view::npos;
}

}  // namespace hone
