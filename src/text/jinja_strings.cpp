// Python's string algorithms that both methods and filters use.
#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>

#include "text/jinja_builtins.h"
#include "text/jinja_ops.h"
#include "text/jinja_text.h"

namespace hone::jinja {

Kept strip(std::string_view s, const Value* chars, bool left, bool right, Budget& budget) {
  const bool by_space = chars == nullptr || chars->is_none();
  if (!by_space && !chars->is_string()) {
    require_defined(*chars);
    raise("strip arg must be None or str, not {}", type_name(*chars));
  }
  const std::string_view set = by_space ? std::string_view() : std::string_view(chars->text());
  const auto drops = [&](size_t at, CodePoint c) {
    if (by_space) return is_space(c.value);
    budget.step(set.size() / 16);
    return set.find(s.substr(at, c.bytes)) != std::string_view::npos;
  };
  Kept out{0, s.size()};
  while (left && out.begin < out.end) {
    const CodePoint c = code_point_at(s, out.begin);
    if (!drops(out.begin, c)) break;
    out.begin += c.bytes;
  }
  while (right && out.begin < out.end) {
    size_t last = out.end - 1;
    // Back to the start of the character; bytes that are no UTF-8 stand alone.
    for (size_t back = 0;
         back < 3 && last > out.begin && (static_cast<unsigned char>(s[last]) & 0xC0) == 0x80; ++back)
      --last;
    if (last + code_point_at(s, last).bytes != out.end) last = out.end - 1;
    if (!drops(last, code_point_at(s, last))) break;
    out.end = last;
  }
  return out;
}

namespace {
// Knuth-Morris-Pratt; `at(i)` and `want(i)` give characters. First match at or after `from`, or npos.
template <typename At, typename Want>
size_t kmp(size_t n, At at, size_t m, Want want, size_t from, Budget& budget) {
  budget.take_bytes(m * sizeof(size_t));
  std::vector<size_t> border(m, 0);
  for (size_t i = 1, k = 0; i < m; ++i) {
    while (k > 0 && want(i) != want(k)) k = border[k - 1];
    k += want(i) == want(k);
    border[i] = k;
  }
  for (size_t i = from, k = 0; i < n; ++i) {
    while (k > 0 && at(i) != want(k)) k = border[k - 1];
    k += at(i) == want(k);
    if (k == m) return i + 1 - m;
  }
  return std::string_view::npos;
}
constexpr size_t kShortNeedle = 64;
}  // namespace

size_t find_text(std::string_view s, std::string_view what, size_t from, Budget& budget) {
  size_t found;
  if (what.size() <= kShortNeedle)
    found = s.find(what, from);
  else
    found = kmp(
        s.size(), [&](size_t i) { return s[i]; }, what.size(), [&](size_t i) { return what[i]; }, from,
        budget);
  budget.step(1 + (std::min(found, s.size()) - std::min(from, s.size())) / 16);
  return found;
}

size_t find_last_text(std::string_view s, std::string_view what, Budget& budget) {
  const size_t n = s.size(), m = what.size();
  budget.step(1 + n / 16);
  if (m <= kShortNeedle) return s.rfind(what);
  const size_t found = kmp(
      n, [&](size_t i) { return s[n - 1 - i]; }, m, [&](size_t i) { return what[m - 1 - i]; }, 0, budget);
  return found == std::string_view::npos ? found : n - m - found;
}

Value change_case(const Str& s, std::string (*change)(int32_t), Budget& budget) {
  StrBuilder out(budget);
  for (CharWalk w{s.text}; !w.done(); w.next()) out.mapped(s, w.at, change(w.here().value));
  return out.finish_value();
}

Value capitalize(const Str& s, Budget& budget) {
  StrBuilder out(budget);
  for (CharWalk w{s.text}; !w.done(); w.next())
    out.mapped(s, w.at, w.at == 0 ? title(w.here().value) : lower(w.here().value));
  return out.finish_value();
}

Value replace(const Str& s, const Str& from, const Str& to, int64_t count, Budget& budget) {
  StrBuilder out(budget);
  size_t at = 0;
  if (from.text.empty()) {  // between all characters
    for (;; --count) {
      if (count == 0) break;
      out.all(to);
      if (at >= s.text.size()) break;
      const size_t n = code_point_at(s.text, at).bytes;
      out.part(s, at, at + n);
      at += n;
    }
  } else {
    for (; count != 0; --count) {
      const size_t found = find_text(s.text, from.text, at, budget);
      if (found == std::string::npos) break;
      out.part(s, at, found);
      out.all(to);
      at = found + from.text.size();
    }
  }
  out.part(s, at, s.text.size());
  return out.finish_value();
}

std::vector<Value> split_lines(const Str& s, bool keep_ends, Budget& budget) {
  std::vector<Value> out;
  size_t begin = 0;
  for (CharWalk w{s.text}; !w.done();) {
    const CodePoint c = w.here();
    const size_t end = w.at;
    w.next();
    if (!is_line_break(c.value)) continue;
    if (c.value == '\r' && !w.done() && w.here().value == '\n') w.next();
    budget.take_bytes(sizeof(Value));
    out.push_back(str_slice(s, begin, keep_ends ? w.at : end, budget));
    begin = w.at;
  }
  if (begin < s.text.size()) out.push_back(str_slice(s, begin, s.text.size(), budget));
  return out;
}

namespace {
// Without surrounding space and with underscores between digits taken out; empty when malformed.
std::string bare_number(std::string_view s) {
  while (!s.empty() && is_space(static_cast<unsigned char>(s.front()))) s.remove_prefix(1);
  while (!s.empty() && is_space(static_cast<unsigned char>(s.back()))) s.remove_suffix(1);
  std::string out;
  for (size_t i = 0; i < s.size(); ++i) {
    if (s[i] != '_') {
      out += s[i];
      continue;
    }
    const bool between = i > 0 && i + 1 < s.size() && std::isalnum(static_cast<unsigned char>(s[i - 1])) &&
                         std::isalnum(static_cast<unsigned char>(s[i + 1]));
    if (!between) return {};
  }
  return out;
}
}  // namespace

std::optional<int64_t> parse_int(std::string_view s, int base) {
  if (base != 0 && (base < 2 || base > 36)) raise("int() base must be >= 2 and <= 36, or 0");
  std::string text = bare_number(s);
  size_t at = 0;
  const bool minus = !text.empty() && text[0] == '-';
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) at = 1;
  if (text.size() > at + 1 && text[at] == '0') {
    const char mark = static_cast<char>(text[at + 1] | 0x20);
    const int prefix = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 0;
    if (prefix != 0 && (base == prefix || base == 0)) {
      base = prefix;
      at += 2;
    }
  }
  if (base == 0) base = 10;
  if (at >= text.size() || !std::isalnum(static_cast<unsigned char>(text[at]))) return std::nullopt;
  if (minus) text[--at] = '-';
  int64_t out = 0;
  const auto [end, error] = std::from_chars(text.data() + at, text.data() + text.size(), out, base);
  if (end != text.data() + text.size()) return std::nullopt;
  if (error == std::errc::result_out_of_range) raise("an integer does not fit in 64 bits");
  return out;
}

std::optional<double> parse_float(std::string_view s) {
  const std::string text = bare_number(s);
  if (text.empty()) return std::nullopt;
  // strtod also takes hexadecimal and "nan(…)", which Python does not.
  for (char c : text)
    if (c == 'x' || c == 'X' || c == '(') return std::nullopt;
  char* end = nullptr;
  const double out = std::strtod(text.c_str(), &end);
  if (end != text.c_str() + text.size()) return std::nullopt;
  return out;
}

}  // namespace hone::jinja
