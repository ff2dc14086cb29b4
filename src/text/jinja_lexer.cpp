#include "text/jinja_lexer.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/error.h"
#include "text/jinja_text.h"

namespace hone::jinja {

void syntax_error(Position at, const std::string& what) {
  fail(ErrorCode::kCorruption, "chat template: line {}, column {}: {}", at.line, at.column, what);
}

namespace {

constexpr auto kNone = std::string_view::npos;

// Line ends become "\n", and one at the very end is dropped.
std::string normalize(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r') {
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
      out += '\n';
    } else {
      out += source[i];
    }
  }
  if (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

class Lexer {
 public:
  explicit Lexer(std::string source) : source_(std::move(source)), s_(source_) {}

  std::vector<LexToken> run() {
    while (at_ < s_.size()) text_until_tag();
    push(TokenKind::kEnd, "", at_);
    return std::move(tokens_);
  }

 private:
  Position position(size_t offset) {
    // Tokens come in order, so counting goes on from the last one.
    for (; counted_ < offset; ++counted_) {
      const auto c = static_cast<unsigned char>(s_[counted_]);
      if (c == '\n') {
        ++line_;
        column_ = 1;
      } else if ((c & 0xC0) != 0x80) {
        ++column_;
      }
    }
    return {line_, column_};
  }

  LexToken& push(TokenKind kind, std::string text, size_t offset) {
    tokens_.push_back({kind, std::move(text), position(offset)});
    return tokens_.back();
  }

  bool looking_at(size_t at, std::string_view what) const { return s_.substr(at, what.size()) == what; }
  char peek(size_t at) const { return at < s_.size() ? s_[at] : '\0'; }

  size_t skip_space(size_t at) const {
    while (at < s_.size()) {
      const CodePoint c = code_point_at(s_, at);
      if (!is_space(c.value)) break;
      at += c.bytes;
    }
    return at;
  }

  size_t strip_end(size_t begin, size_t end) const {
    while (end > begin) {
      size_t last = end - 1;
      while (last > begin && (static_cast<unsigned char>(s_[last]) & 0xC0) == 0x80) --last;
      if (!is_space(code_point_at(s_, last).value)) break;
      end = last;
    }
    return end;
  }

  // The text before a tag opening at `tag`, without the whitespace that its sign or lstrip_blocks takes away.
  void push_text(size_t begin, size_t tag, char sign, bool is_print) {
    size_t end = tag;
    if (sign == '-') {
      end = strip_end(begin, tag);
    } else if (sign != '+' && !is_print) {
      const size_t newline = tag > begin ? s_.rfind('\n', tag - 1) : kNone;
      const bool has_newline = newline != kNone && newline >= begin;
      const size_t line = has_newline ? newline + 1 : begin;
      if ((has_newline || line_starting_) && strip_end(line, tag) == line) end = line;
    }
    if (end > begin) push(TokenKind::kText, std::string(s_.substr(begin, end - begin)), begin);
  }

  void end_tag(size_t at) {
    line_starting_ = at > 0 && s_[at - 1] == '\n';
    at_ = at;
  }

  void text_until_tag() {
    const size_t begin = at_;
    size_t tag = at_;
    for (;; ++tag) {
      tag = s_.find('{', tag);
      if (tag == kNone) {
        push(TokenKind::kText, std::string(s_.substr(begin)), begin);
        at_ = s_.size();
        return;
      }
      const char next = peek(tag + 1);
      if (next == '{' || next == '%' || next == '#') break;
    }
    const char sign = peek(tag + 2) == '-' || peek(tag + 2) == '+' ? peek(tag + 2) : '\0';
    const char type = s_[tag + 1];
    push_text(begin, tag, sign, type == '{');
    const size_t body = tag + (sign ? 3 : 2);
    if (type == '#') return comment(tag, body);
    if (type == '%' && raw_block(tag, body)) return;
    push(type == '{' ? TokenKind::kPrintBegin : TokenKind::kTagBegin, "", tag);
    at_ = body;
    code(type == '{');
  }

  void comment(size_t tag, size_t body) {
    const size_t close = s_.find("#}", body);
    if (close == kNone) syntax_error(position(tag), "missing end of comment tag");
    size_t end = close + 2;
    if (close > body && s_[close - 1] == '-') {
      end = skip_space(end);
    } else if (!(close > body && s_[close - 1] == '+') && peek(end) == '\n') {
      ++end;
    }
    end_tag(end);
  }

  // {% raw %} … {% endraw %}, taken verbatim.
  bool raw_block(size_t tag, size_t body) {
    size_t at = skip_space(body);
    if (!looking_at(at, "raw")) return false;
    at = skip_space(at + 3);
    if (looking_at(at, "-%}"))
      at = skip_space(at + 3);
    else if (looking_at(at, "%}"))
      at += 2;
    else
      return false;
    line_starting_ = s_[at - 1] == '\n';
    for (size_t open = s_.find("{%", at); open != kNone; open = s_.find("{%", open + 1)) {
      const char sign = peek(open + 2) == '-' || peek(open + 2) == '+' ? peek(open + 2) : '\0';
      size_t end = skip_space(open + (sign ? 3 : 2));
      if (!looking_at(end, "endraw")) continue;
      end = skip_space(end + 6);
      size_t after = kNone;
      if (looking_at(end, "%}")) after = end + 2 + (peek(end + 2) == '\n');
      if (looking_at(end, "+%}")) after = end + 3;
      if (looking_at(end, "-%}")) after = skip_space(end + 3);
      if (after == kNone) continue;
      push_text(at, open, sign, false);
      end_tag(after);
      return true;
    }
    syntax_error(position(tag), "missing end of raw directive");
  }

  // Tokens of {{ … }} or {% … %} up to and including its end.
  void code(bool is_print) {
    brackets_.clear();
    const std::string_view close = is_print ? "}}" : "%}";
    for (;;) {
      at_ = skip_space(at_);
      if (at_ >= s_.size()) return;  // the parser complains about the end of the template
      if (brackets_.empty() && close_tag(close, is_print)) return;
      one_token();
    }
  }

  bool close_tag(std::string_view close, bool is_print) {
    const bool minus = s_[at_] == '-' && looking_at(at_ + 1, close);
    const bool plus = !is_print && s_[at_] == '+' && looking_at(at_ + 1, close);
    if (!minus && !plus && !looking_at(at_, close)) return false;
    push(is_print ? TokenKind::kPrintEnd : TokenKind::kTagEnd, std::string(close), at_);
    size_t end = at_ + close.size() + (minus || plus);
    if (minus) {
      end = skip_space(end);
    } else if (!plus && !is_print && peek(end) == '\n') {
      ++end;
    }
    end_tag(end);
    return true;
  }

  void one_token() {
    const CodePoint c = code_point_at(s_, at_);
    if (c.value >= '0' && c.value <= '9') return number();
    if (is_word(c.value)) return name();
    if (c.value == '\'' || c.value == '"') return string(static_cast<char>(c.value));
    return op();
  }

  void name() {
    const size_t begin = at_;
    while (at_ < s_.size() && is_word(code_point_at(s_, at_).value)) at_ += code_point_at(s_, at_).bytes;
    push(TokenKind::kName, std::string(s_.substr(begin, at_ - begin)), begin);
  }

  void string(char quote) {
    const size_t begin = at_;
    size_t end = begin + 1;
    while (end < s_.size() && s_[end] != quote) end += s_[end] == '\\' ? 2 : 1;
    if (end >= s_.size()) syntax_error(position(begin), "a string has no end");
    const Position at = position(begin);
    push(TokenKind::kString, unescape(s_.substr(begin + 1, end - begin - 1), at), begin);
    at_ = end + 1;
  }

  static bool is_decimal(char c) { return c >= '0' && c <= '9'; }

  // Digits with single underscores between them, appended to `out` without those.
  size_t digits(size_t at, std::string& out) const {
    while (is_decimal(peek(at)) || (peek(at) == '_' && is_decimal(peek(at + 1)))) {
      if (s_[at] != '_') out += s_[at];
      ++at;
    }
    return at;
  }

  void number() {
    const size_t begin = at_;
    if (s_[at_] == '0' && radix_number()) return;
    std::string text;
    size_t end = digits(at_, text);
    bool is_float = false;
    const bool after_dot = begin > 0 && s_[begin - 1] == '.';
    if (!after_dot) {
      if (peek(end) == '.' && is_decimal(peek(end + 1))) {
        is_float = true;
        text += '.';
        end = digits(end + 1, text);
      }
      const char e = peek(end);
      const size_t sign = peek(end + 1) == '+' || peek(end + 1) == '-' ? 1 : 0;
      if ((e == 'e' || e == 'E') && is_decimal(peek(end + 1 + sign))) {
        is_float = true;
        text += s_.substr(end, 1 + sign);
        end = digits(end + 1 + sign, text);
      }
    }
    LexToken& token = push(is_float ? TokenKind::kFloat : TokenKind::kInt, text, begin);
    if (is_float)
      token.number = std::strtod(text.c_str(), nullptr);
    else
      token.integer = parse_integer(text, 10, token.at);
    at_ = end;
  }

  bool radix_number() {
    const char mark = static_cast<char>(peek(at_ + 1) | 0x20);
    const int base = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 0;
    if (base == 0) return false;
    std::string text;
    size_t end = at_ + 2;
    for (; std::isxdigit(static_cast<unsigned char>(peek(end))) || peek(end) == '_'; ++end)
      if (s_[end] != '_') text += s_[end];
    if (text.empty()) return false;
    LexToken& token = push(TokenKind::kInt, text, at_);
    token.integer = parse_integer(text, base, token.at);
    at_ = end;
    return true;
  }

  static int64_t parse_integer(const std::string& text, int base, Position at) {
    errno = 0;
    char* end = nullptr;
    const long long value = std::strtoll(text.c_str(), &end, base);
    if (*end != '\0') syntax_error(at, "'" + text + "' is no number of base " + std::to_string(base));
    if (errno != 0) syntax_error(at, "an integer does not fit in 64 bits");
    return value;
  }

  void op() {
    static constexpr std::array<std::string_view, 7> kTwo = {"//", "**", "==", "!=", ">=", "<=", "%}"};
    const size_t begin = at_;
    size_t n = 1;
    for (std::string_view two : kTwo)
      if (two != "%}" && looking_at(at_, two)) n = 2;
    const char c = s_[at_];
    if (std::string_view("+-/*%~[](){}<>=.:|,;!").find(c) == kNone || (c == '!' && n == 1))
      syntax_error(position(begin), "unexpected character '" +
                                        std::string(s_.substr(begin, code_point_at(s_, begin).bytes)) + "'");
    balance(c, begin);
    push(TokenKind::kOp, std::string(s_.substr(begin, n)), begin);
    at_ += n;
  }

  void balance(char c, size_t at) {
    if (c == '(') brackets_ += ')';
    if (c == '[') brackets_ += ']';
    if (c == '{') brackets_ += '}';
    if (c != ')' && c != ']' && c != '}') return;
    if (brackets_.empty()) syntax_error(position(at), fmt::format("unexpected '{}'", c));
    if (brackets_.back() != c)
      syntax_error(position(at), fmt::format("unexpected '{}', expected '{}'", c, brackets_.back()));
    brackets_.pop_back();
  }

  std::string source_;
  std::string_view s_;
  size_t at_ = 0;
  bool line_starting_ = true;
  std::string brackets_;  // closers still awaited
  std::vector<LexToken> tokens_;
  size_t counted_ = 0;
  uint32_t line_ = 1, column_ = 1;
};

}  // namespace

std::vector<LexToken> tokenize(std::string_view source) {
  if (source.size() > kMaxSourceBytes)
    fail(ErrorCode::kCorruption, "chat template: got {} bytes, expected at most {}", source.size(),
         kMaxSourceBytes);
  return Lexer(normalize(source)).run();
}

namespace {
// \xhh, \uhhhh, \Uhhhhhhhh; `at` stands behind the letter.
size_t hex_escape(std::string_view body, size_t at, size_t n, std::string& out, Position where) {
  int64_t value = 0;
  for (size_t i = 0; i < n; ++i) {
    const char c = at + i < body.size() ? body[at + i] : '\0';
    if (!std::isxdigit(static_cast<unsigned char>(c)))
      syntax_error(where, "a string has a truncated \\ escape");
    value = value * 16 + (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
  }
  if (value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
    syntax_error(where, "a string escape is no Unicode character");
  append_utf8(out, static_cast<int32_t>(value));
  return at + n;
}

bool is_octal(char c) {
  return c >= '0' && c <= '7';
}
}  // namespace

std::string unescape(std::string_view body, Position where) {
  static constexpr std::string_view kFrom = "abfnrtv\\'\"", kTo = "\a\b\f\n\r\t\v\\'\"";
  std::string out;
  for (size_t i = 0; i < body.size();) {
    if (body[i] != '\\' || i + 1 >= body.size()) {
      out += body[i++];
      continue;
    }
    const char c = body[i + 1];
    i += 2;
    const size_t simple = kFrom.find(c);
    if (simple != kNone) {
      out += kTo[simple];
    } else if (c == 'x' || c == 'u' || c == 'U') {
      i = hex_escape(body, i, c == 'x' ? 2 : c == 'u' ? 4 : 8, out, where);
    } else if (is_octal(c)) {
      int32_t value = c - '0';
      for (int n = 0; n < 2 && i < body.size() && is_octal(body[i]); ++n)
        value = value * 8 + (body[i++] - '0');
      append_utf8(out, value);
    } else if (c != '\n') {
      out += '\\';
      out += c;
    }
  }
  return out;
}

}  // namespace hone::jinja
