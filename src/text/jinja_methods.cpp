// Methods of strings, lists, tuples and dicts.
#include <algorithm>

#include "text/jinja_builtins.h"
#include "text/jinja_interp.h"
#include "text/jinja_ops.h"
#include "text/jinja_text.h"

namespace hone::jinja {
namespace {

using In = Interpreter;

Value stripped(In& in, const Value& self, Args& args, const char* name, bool left, bool right) {
  const Params p(name, args, {"chars"});
  const Kept kept = strip(self.text(), p.get(0), left, right, in.budget());
  return str_slice(self.str(), kept.begin, kept.end, in.budget());
}
Value str_strip(In& in, const Value& s, Args& a) {
  return stripped(in, s, a, "strip", true, true);
}
Value str_lstrip(In& in, const Value& s, Args& a) {
  return stripped(in, s, a, "lstrip", true, false);
}
Value str_rstrip(In& in, const Value& s, Args& a) {
  return stripped(in, s, a, "rstrip", false, true);
}

Value split_on_space(const Str& s, int64_t limit, bool from_right, Budget& budget) {
  std::vector<std::pair<size_t, size_t>> words;
  for (CharWalk w{s.text}; !w.done();) {
    while (!w.done() && is_space(w.here().value)) w.next();
    const size_t begin = w.at;
    while (!w.done() && !is_space(w.here().value)) w.next();
    if (w.at > begin) words.emplace_back(begin, w.at);
  }
  budget.take_bytes(words.size() * sizeof(words[0]));
  const auto max = static_cast<size_t>(limit);
  if (limit >= 0 && words.size() > max + 1) {
    if (from_right) {
      const size_t head = words.size() - max;  // words that stay together
      words[head - 1].first = 0;
      words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(head - 1));
      // The rest keeps the space before it, but not after.
    } else {
      words[max].second = s.text.size();
      words.resize(max + 1);
    }
  }
  std::vector<Value> out;
  out.reserve(words.size());
  for (const auto& [begin, end] : words) out.push_back(str_slice(s, begin, end, budget));
  return make_seq(budget, std::move(out));
}

Value split_on(const Str& s, const std::string& by, int64_t limit, bool from_right, Budget& budget) {
  std::vector<Value> out;
  if (by.empty()) raise("empty separator");
  if (!from_right) {
    size_t at = 0;
    for (; limit != 0; --limit) {
      const size_t found = find_text(s.text, by, at, budget);
      if (found == std::string::npos) break;
      out.push_back(str_slice(s, at, found, budget));
      budget.take_bytes(sizeof(Value));
      at = found + by.size();
    }
    out.push_back(str_slice(s, at, s.text.size(), budget));
    return make_seq(budget, std::move(out));
  }
  size_t end = s.text.size();
  for (; limit != 0 && end >= by.size(); --limit) {
    const size_t found = find_last_text(std::string_view(s.text).substr(0, end), by, budget);
    if (found == std::string::npos) break;
    out.push_back(str_slice(s, found + by.size(), end, budget));
    budget.take_bytes(sizeof(Value));
    end = found;
  }
  out.push_back(str_slice(s, 0, end, budget));
  std::reverse(out.begin(), out.end());
  return make_seq(budget, std::move(out));
}

Value split(In& in, const Value& self, Args& args, bool from_right) {
  const Params p(from_right ? "rsplit" : "split", args, {"sep", "maxsplit"});
  const int64_t limit = p.integer(1, -1);
  if (!p.given(0) || p.get(0)->is_none()) return split_on_space(self.str(), limit, from_right, in.budget());
  return split_on(self.str(), p.text(0).text(), limit, from_right, in.budget());
}
Value str_split(In& in, const Value& self, Args& args) {
  return split(in, self, args, false);
}
Value str_rsplit(In& in, const Value& self, Args& args) {
  return split(in, self, args, true);
}

Value partition(In& in, const Value& self, Args& args, bool from_right) {
  const Params p("partition", args, {"sep"}, 1);
  const std::string& by = p.text(0).text();
  const Str& s = self.str();
  if (by.empty()) raise("empty separator");
  const size_t at =
      from_right ? find_last_text(s.text, by, in.budget()) : find_text(s.text, by, 0, in.budget());
  std::vector<Value> out;
  if (at == std::string::npos) {
    out = {self, Value(std::string()), Value(std::string())};
    if (from_right) std::swap(out[0], out[2]);
  } else {
    out = {str_slice(s, 0, at, in.budget()), str_slice(s, at, at + by.size(), in.budget()),
           str_slice(s, at + by.size(), s.text.size(), in.budget())};
  }
  return make_seq(in.budget(), std::move(out), SeqKind::kTuple);
}
Value str_partition(In& in, const Value& self, Args& args) {
  return partition(in, self, args, false);
}
Value str_rpartition(In& in, const Value& self, Args& args) {
  return partition(in, self, args, true);
}

Value str_splitlines(In& in, const Value& self, Args& args) {
  const Params p("splitlines", args, {"keepends"});
  return make_seq(in.budget(), split_lines(self.str(), p.flag(0), in.budget()));
}

// The part of a string that [start, end) in code points names, as bytes. Nothing when start is beyond the
// end.
std::optional<Kept> window(const Value& self, const Params& p, Budget& budget) {
  const std::string& s = self.text();
  if (!p.given(1) && !p.given(2)) return Kept{0, s.size()};
  const auto n = static_cast<int64_t>(length(self, budget));
  const auto bound = [&](size_t i, int64_t fallback) {
    if (!p.given(i) || p.get(i)->is_none()) return fallback;
    const int64_t v = p.integer(i, 0);
    return v < 0 ? std::max<int64_t>(v + n, 0) : v;
  };
  const int64_t begin = bound(1, 0), end = std::min(bound(2, n), n);
  if (begin > n || begin > end) return std::nullopt;
  return Kept{byte_offset(s, static_cast<size_t>(begin)), byte_offset(s, static_cast<size_t>(end))};
}

Value affix(In& in, const Value& self, Args& args, bool at_end) {
  const Params p(at_end ? "endswith" : "startswith", args, {"prefix", "start", "end"}, 1);
  const auto part = window(self, p, in.budget());
  std::vector<Value> wanted = {*p.get(0)};
  if (p.get(0)->is_seq() && p.get(0)->seq().kind == SeqKind::kTuple) wanted = p.get(0)->seq().items;
  bool found = false;
  for (const Value& w : wanted) {
    require_defined(w);
    if (!w.is_string()) raise("startswith/endswith: got '{}', expected str or a tuple of str", type_name(w));
    if (!part) continue;
    const std::string_view s = std::string_view(self.text()).substr(part->begin, part->end - part->begin);
    found = found || (at_end ? s.ends_with(w.text()) : s.starts_with(w.text()));
  }
  return found;
}
Value str_startswith(In& in, const Value& self, Args& args) {
  return affix(in, self, args, false);
}
Value str_endswith(In& in, const Value& self, Args& args) {
  return affix(in, self, args, true);
}

Value remove_affix(In& in, const Value& self, Args& args, bool at_end) {
  const Params p("removeprefix", args, {"prefix"}, 1);
  const std::string &s = self.text(), &part = p.text(0).text();
  if (part.empty() || !(at_end ? s.ends_with(part) : s.starts_with(part))) return self;
  if (at_end) return str_slice(self.str(), 0, s.size() - part.size(), in.budget());
  return str_slice(self.str(), part.size(), s.size(), in.budget());
}
Value str_removeprefix(In& in, const Value& self, Args& args) {
  return remove_affix(in, self, args, false);
}
Value str_removesuffix(In& in, const Value& self, Args& args) {
  return remove_affix(in, self, args, true);
}

int64_t find_in(In& in, const Value& self, Args& args, const char* name, bool last) {
  const Params p(name, args, {"sub", "start", "end"}, 1);
  const std::string& what = p.text(0).text();
  const auto part = window(self, p, in.budget());
  if (!part) return -1;
  const std::string_view s = std::string_view(self.text()).substr(part->begin, part->end - part->begin);
  const size_t at = last ? find_last_text(s, what, in.budget()) : find_text(s, what, 0, in.budget());
  if (at == std::string_view::npos) return -1;
  return static_cast<int64_t>(count_code_points(std::string_view(self.text()).substr(0, part->begin + at)));
}
Value str_find(In& in, const Value& self, Args& args) {
  return find_in(in, self, args, "find", false);
}
Value str_rfind(In& in, const Value& self, Args& args) {
  return find_in(in, self, args, "rfind", true);
}
Value found_or_raise(int64_t at) {
  if (at < 0) raise("substring not found");
  return at;
}
Value str_index(In& in, const Value& self, Args& args) {
  return found_or_raise(find_in(in, self, args, "index", false));
}
Value str_rindex(In& in, const Value& self, Args& args) {
  return found_or_raise(find_in(in, self, args, "rindex", true));
}

Value str_count(In& in, const Value& self, Args& args) {
  const Params p("count", args, {"sub", "start", "end"}, 1);
  const std::string& what = p.text(0).text();
  const auto part = window(self, p, in.budget());
  if (!part) return int64_t{0};
  const std::string_view s = std::string_view(self.text()).substr(part->begin, part->end - part->begin);
  if (what.empty()) return static_cast<int64_t>(count_code_points(s)) + 1;
  int64_t n = 0;
  for (size_t at = find_text(s, what, 0, in.budget()); at != std::string_view::npos; ++n)
    at = find_text(s, what, at + what.size(), in.budget());
  return n;
}

Value str_upper(In& in, const Value& self, Args&) {
  return change_case(self.str(), upper, in.budget());
}
Value str_lower(In& in, const Value& self, Args&) {
  return change_case(self.str(), lower, in.budget());
}
Value str_casefold(In& in, const Value& self, Args&) {
  return change_case(self.str(), casefold, in.budget());
}
Value str_capitalize(In& in, const Value& self, Args&) {
  return capitalize(self.str(), in.budget());
}

Value str_title(In& in, const Value& self, Args&) {
  StrBuilder out(in.budget());
  bool in_word = false;
  for (CharWalk w{self.text()}; !w.done(); w.next()) {
    const int32_t c = w.here().value;
    out.mapped(self.str(), w.at, in_word ? lower(c) : title(c));
    in_word = is_alpha(c);
  }
  return out.finish_value();
}

Value str_swapcase(In& in, const Value& self, Args&) {
  return change_case(
      self.str(), [](int32_t c) { return is_upper(c) ? lower(c) : upper(c); }, in.budget());
}

Value str_replace(In& in, const Value& self, Args& args) {
  const Params p("replace", args, {"old", "new", "count"}, 2);
  return replace(self.str(), p.text(0).str(), p.text(1).str(), p.integer(2, -1), in.budget());
}

Value str_join(In& in, const Value& self, Args& args) {
  const Params p("join", args, {"iterable"}, 1);
  require_defined(*p.get(0));
  StrBuilder out(in.budget());
  bool first = true;
  for (const Value& v : iterate(*p.get(0), in.budget())) {
    if (!v.is_string()) raise("sequence item: expected str instance, {} found", type_name(v));
    if (!std::exchange(first, false)) out.all(self.str());
    out.all(v.str());
  }
  return out.finish_value();
}

template <bool (*Is)(int32_t)>
Value str_all(In&, const Value& self, Args&) {
  for (CharWalk w{self.text()}; !w.done(); w.next())
    if (!Is(w.here().value)) return false;
  return !self.text().empty();
}
bool is_alnum(int32_t c) {
  return is_word(c) && c != '_';
}

// Cased characters must all be of one case, and there must be one.
template <bool (*Is)(int32_t), bool (*IsOther)(int32_t)>
Value str_cased(In&, const Value& self, Args&) {
  bool any = false;
  for (CharWalk w{self.text()}; !w.done(); w.next()) {
    if (IsOther(w.here().value)) return false;
    any = any || Is(w.here().value);
  }
  return any;
}

Value padded(In& in, const Value& self, int64_t width, const std::string& fill, bool left, bool right) {
  const auto n = static_cast<int64_t>(length(self, in.budget()));
  width = std::clamp<int64_t>(width, 0, int64_t{1} << 40);
  const int64_t room = std::min<int64_t>(std::max<int64_t>(width - n, 0), Budget::kMaxStringBytes);
  // CPython's centring: the odd column goes left when the width is odd.
  const int64_t before = left && right ? room / 2 + (room & width & 1) : left ? room : 0;
  StrBuilder out(in.budget());
  for (int64_t i = 0; i < before; ++i) out.raw(fill);
  out.all(self.str());
  for (int64_t i = before; right && i < room; ++i) out.raw(fill);
  return out.finish_value();
}

Value pad(In& in, const Value& self, Args& args, const char* name, bool left, bool right) {
  const Params p(name, args, {"width", "fillchar"}, 1);
  const std::string fill = p.given(1) ? p.text(1).text() : " ";
  if (count_code_points(fill) != 1) raise("the fill character must be exactly one character long");
  return padded(in, self, p.integer(0, 0), fill, left, right);
}
Value str_ljust(In& in, const Value& self, Args& args) {
  return pad(in, self, args, "ljust", false, true);
}
Value str_rjust(In& in, const Value& self, Args& args) {
  return pad(in, self, args, "rjust", true, false);
}
Value str_center(In& in, const Value& self, Args& args) {
  return pad(in, self, args, "center", true, true);
}

Value str_zfill(In& in, const Value& self, Args& args) {
  const Params p("zfill", args, {"width"}, 1);
  const std::string& s = self.text();
  const bool sign = !s.empty() && (s[0] == '-' || s[0] == '+');
  if (!sign) return padded(in, self, p.integer(0, 0), "0", true, false);
  const Value digits = padded(in, str_slice(self.str(), 1, s.size(), in.budget()),
                              std::max<int64_t>(p.integer(0, 0), 1) - 1, "0", true, false);
  StrBuilder out(in.budget());
  out.part(self.str(), 0, 1);
  out.all(digits.str());
  return out.finish_value();
}

Value str_format(In& in, const Value& self, Args& args) {
  return brace_format(in, self, args);
}

constexpr BuiltinEntry kStringMethods[] = {
    {"strip", str_strip},
    {"lstrip", str_lstrip},
    {"rstrip", str_rstrip},
    {"split", str_split},
    {"rsplit", str_rsplit},
    {"partition", str_partition},
    {"rpartition", str_rpartition},
    {"splitlines", str_splitlines},
    {"startswith", str_startswith},
    {"endswith", str_endswith},
    {"removeprefix", str_removeprefix},
    {"removesuffix", str_removesuffix},
    {"find", str_find},
    {"rfind", str_rfind},
    {"index", str_index},
    {"rindex", str_rindex},
    {"count", str_count},
    {"upper", str_upper},
    {"lower", str_lower},
    {"casefold", str_casefold},
    {"capitalize", str_capitalize},
    {"title", str_title},
    {"swapcase", str_swapcase},
    {"replace", str_replace},
    {"join", str_join},
    {"isdigit", str_all<is_digit>},
    {"isdecimal", str_all<is_digit>},
    {"isnumeric", str_all<is_digit>},
    {"isalpha", str_all<is_alpha>},
    {"isalnum", str_all<is_alnum>},
    {"isspace", str_all<is_space>},
    {"isupper", str_cased<is_upper, is_lower>},
    {"islower", str_cased<is_lower, is_upper>},
    {"ljust", str_ljust},
    {"rjust", str_rjust},
    {"center", str_center},
    {"zfill", str_zfill},
    {"format", str_format},
};

}  // namespace

Builtin find_string_method(std::string_view name) {
  for (const BuiltinEntry& e : kStringMethods)
    if (e.name == name) return e.run;
  return nullptr;
}

}  // namespace hone::jinja
