// What tokenizers need of Unicode: UTF-8 to code points in llama.cpp's tolerant way, general categories
// (utf8proc's tables), and GPT-2's printable byte alphabet. Normalization and case mapping are not here.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hone::unicode {

// Classes of a code point; one of the first four at most, or a mark (white space wins over its category).
enum Class : uint8_t {
  kOther = 0,
  kSpace = 1,   // White_Space property
  kLetter = 2,  // \p{L}
  kNumber = 4,  // \p{N}
  kPunct = 8,   // \p{P}
  kUpper = 16,  // beside kLetter: \p{Lu}, \p{Lt}
  kLower = 32,  // beside kLetter: \p{Ll}
  kMark = 64,   // \p{M}
};

struct Chars {
  std::vector<uint32_t> code;
  std::vector<uint8_t> classes;
  // True when some byte sequence was not the canonical UTF-8 of its code point: then re-encode from `code`.
  bool repaired = false;
};

// Invalid bytes each become U+FFFD; overlong forms and surrogates keep their value, as in llama.cpp.
Chars decode(std::string_view text);

// Bytes of each of its characters as they stand in `text`.
std::vector<uint32_t> sizes(std::string_view text);
// Bytes of white space at its beginning, at its end.
size_t leading_space(std::string_view text) noexcept;
size_t trailing_space(std::string_view text) noexcept;

uint8_t class_of(uint32_t code) noexcept;
size_t utf8_size(uint32_t code) noexcept;
void append_utf8(std::string& out, uint32_t code);

// The length in bytes that the first byte of a UTF-8 sequence announces (1 for continuation bytes).
size_t announced_size(unsigned char first) noexcept;

// GPT-2's alphabet: every byte as a printable character, in UTF-8.
const std::array<std::string, 256>& byte_alphabet();
// The bytes that a token in the alphabet stands for; characters outside the alphabet keep their own UTF-8.
std::string from_byte_alphabet(std::string_view token);

}  // namespace hone::unicode
