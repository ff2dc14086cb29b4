// Template source -> tokens, with Jinja's whitespace control as transformers sets it (trim_blocks,
// lstrip_blocks, one trailing newline dropped).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hone::jinja {

inline constexpr size_t kMaxSourceBytes = 1u << 20;

struct Position {
  uint32_t line = 1, column = 1;
};

enum class TokenKind : uint8_t {
  kText,
  kPrintBegin,
  kPrintEnd,
  kTagBegin,
  kTagEnd,
  kName,
  kString,
  kInt,
  kFloat,
  kOp,
  kEnd
};

struct LexToken {
  TokenKind kind;
  std::string text;  // decoded text of strings, the characters of everything else
  Position at;
  int64_t integer = 0;
  double number = 0;
};

std::vector<LexToken> tokenize(std::string_view source);

// A template that does not parse: kCorruption with line and column.
[[noreturn]] void syntax_error(Position at, const std::string& what);

// What stands between the quotes of a literal, with Python's escapes resolved.
std::string unescape(std::string_view body, Position at);

}  // namespace hone::jinja
