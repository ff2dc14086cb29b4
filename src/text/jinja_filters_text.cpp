// Filters that make text or numbers of one value.
#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "text/jinja_builtins.h"
#include "text/jinja_interp.h"
#include "text/jinja_ops.h"
#include "text/jinja_text.h"

namespace hone::jinja {
namespace {

using In = Interpreter;

Value f_trim(In& in, const Value& v, Args& args) {
  const Params p("trim", args, {"chars"});
  const Str s = to_str(v, in.budget());
  const Kept kept = strip(s.text, p.get(0), true, true, in.budget());
  return str_slice(s, kept.begin, kept.end, in.budget());
}

Value f_upper(In& in, const Value& v, Args&) {
  return change_case(to_str(v, in.budget()), upper, in.budget());
}
Value f_lower(In& in, const Value& v, Args&) {
  return change_case(to_str(v, in.budget()), lower, in.budget());
}
Value f_capitalize(In& in, const Value& v, Args&) {
  return capitalize(to_str(v, in.budget()), in.budget());
}

// Unlike str.title(): words begin after space, hyphens and opening brackets only.
Value f_title(In& in, const Value& v, Args&) {
  const Str s = to_str(v, in.budget());
  StrBuilder out(in.budget());
  bool starts = true;
  for (CharWalk w{s.text}; !w.done(); w.next()) {
    const int32_t c = w.here().value;
    out.mapped(s, w.at, starts ? upper(c) : lower(c));
    starts = c == '-' || c == '(' || c == '{' || c == '[' || c == '<' || is_space(c);
  }
  return out.finish_value();
}

Value f_string(In& in, const Value& v, Args&) {
  if (v.is_string()) return v;
  StrBuilder out(in.budget());
  append_str(out, v, in.budget());
  return out.finish_value();
}

Value f_replace(In& in, const Value& v, Args& args) {
  const Params p("replace", args, {"old", "new", "count"}, 2);
  const int64_t count = p.given(2) && !p.get(2)->is_none() ? p.integer(2, -1) : -1;
  Budget& b = in.budget();
  return replace(to_str(v, b), to_str(*p.get(0), b), to_str(*p.get(1), b), count, b);
}

Value f_escape(In& in, const Value& v, Args&) {
  const Str s = to_str(v, in.budget());
  StrBuilder out(in.budget());
  for (size_t i = 0; i < s.text.size(); ++i) {
    switch (s.text[i]) {
      case '&':
        out.mapped(s, i, "&amp;");
        break;
      case '<':
        out.mapped(s, i, "&lt;");
        break;
      case '>':
        out.mapped(s, i, "&gt;");
        break;
      case '"':
        out.mapped(s, i, "&#34;");
        break;
      case '\'':
        out.mapped(s, i, "&#39;");
        break;
      default:
        out.part(s, i, i + 1);
    }
  }
  return out.finish_value();
}

Value f_indent(In& in, const Value& v, Args& args) {
  const Params p("indent", args, {"width", "first", "blank"});
  require_defined(v);
  if (!v.is_string()) raise("indent: got '{}', expected a string", type_name(v));
  std::string pad;
  if (p.given(0) && p.get(0)->is_string()) {
    pad = p.get(0)->text();
  } else {
    const int64_t width = std::clamp<int64_t>(p.integer(0, 4), 0, Budget::kMaxStringBytes);
    in.budget().take_bytes(static_cast<uint64_t>(width));
    pad.assign(static_cast<size_t>(width), ' ');
  }
  StrBuilder with_newline(in.budget());
  with_newline.all(v.str());
  with_newline.raw("\n");
  const std::vector<Value> lines = split_lines(with_newline.finish(), false, in.budget());
  StrBuilder out(in.budget());
  for (size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) out.raw("\n");
    if (i == 0 ? p.flag(1) : (p.flag(2) || !lines[i].text().empty())) out.raw(pad);
    out.all(lines[i].str());
  }
  return out.finish_value();
}

Value f_center(In& in, const Value& v, Args& args) {
  const Params p("center", args, {"width"});
  Args inner{{Value(p.integer(0, 80))}, {}};
  StrBuilder s(in.budget());
  append_str(s, v, in.budget());
  return find_string_method("center")(in, s.finish_value(), inner);
}

Value f_wordcount(In& in, const Value& v, Args&) {
  const Str s = to_str(v, in.budget());
  int64_t n = 0;
  bool inside = false;
  for (CharWalk w{s.text}; !w.done(); w.next()) {
    const bool word = is_word(w.here().value);
    n += word && !inside;
    inside = word;
  }
  return n;
}

Value f_format(In& in, const Value& v, Args& args) {
  if (!args.positional.empty() && !args.named.empty())
    raise("can't handle positional and keyword arguments at the same time");
  StrBuilder s(in.budget());
  append_str(s, v, in.budget());
  Value values;
  if (!args.named.empty()) {
    std::vector<std::pair<Value, Value>> items;
    for (const auto& [name, value] : args.named) items.emplace_back(Value(name), value);
    values = make_dict(in.budget(), std::move(items));
  } else {
    values = make_seq(in.budget(), args.positional, SeqKind::kTuple);
  }
  return percent_format(s.finish_value(), values, in.budget());
}

Value f_tojson(In& in, const Value& v, Args& args) {
  const Params p("tojson", args, {"ensure_ascii", "indent", "separators", "sort_keys"});
  JsonStyle style;
  style.ascii = p.flag(0);
  style.sort_keys = p.flag(3);
  if (p.given(1) && !p.get(1)->is_none()) {
    style.item_separator = ",";
    if (p.get(1)->is_string())
      style.indent = p.get(1)->text();
    else
      style.indent = std::string(static_cast<size_t>(std::clamp<int64_t>(p.integer(1, 0), 0, 1024)), ' ');
  }
  if (p.given(2) && !p.get(2)->is_none()) {
    const std::vector<Value> pair = iterate(*p.get(2), in.budget());
    if (pair.size() != 2 || !pair[0].is_string() || !pair[1].is_string())
      raise("tojson: separators must be two strings");
    style.item_separator = pair[0].text();
    style.key_separator = pair[1].text();
  }
  return Value(to_json(v, style, in.budget()));
}

Value f_int(In&, const Value& v, Args& args) {
  const Params p("int", args, {"default", "base"});
  Value fallback = p.value(0, int64_t{0});
  require_defined(v);
  if (v.is_int()) return v.as_int();
  double number = 0;
  if (v.is_string()) {
    if (const auto i = parse_int(v.text(), static_cast<int>(std::clamp<int64_t>(p.integer(1, 10), -1, 99))))
      return *i;
    const auto f = parse_float(v.text());
    if (!f) return fallback;
    number = *f;
  } else if (v.is_float()) {
    number = v.as_float();
  } else {
    return fallback;
  }
  if (!std::isfinite(number)) return fallback;
  if (std::fabs(number) >= 9.2e18) raise("an integer does not fit in 64 bits");
  return static_cast<int64_t>(number);
}

Value f_float(In&, const Value& v, Args& args) {
  const Params p("float", args, {"default"});
  require_defined(v);
  if (v.is_number()) return v.as_float();
  if (v.is_string())
    if (const auto f = parse_float(v.text())) return *f;
  return p.value(0, 0.0);
}

Value f_abs(In&, const Value& v, Args&) {
  if (v.is_int()) return v.as_int() < 0 ? negate(v) : Value(v.as_int());
  if (v.is_float()) return std::fabs(v.as_float());
  require_defined(v);
  raise("bad operand type for abs(): '{}'", type_name(v));
}

// Decimal rounding as Python does it: on the exact value, ties to even.
double round_decimal(double v, int64_t digits) {
  if (!std::isfinite(v) || digits > 300) return v;
  if (digits < 0) {
    const double scale = std::pow(10.0, static_cast<double>(std::min<int64_t>(-digits, 308)));
    return std::nearbyint(v / scale) * scale;
  }
  return std::strtod(fmt::format("{:.{}f}", v, static_cast<int>(digits)).c_str(), nullptr);
}

Value f_round(In&, const Value& v, Args& args) {
  const Params p("round", args, {"precision", "method"});
  const std::string method = p.given(1) ? p.text(1).text() : "common";
  if (method != "common" && method != "ceil" && method != "floor")
    raise("method must be common, ceil or floor");
  require_defined(v);
  if (!v.is_number()) raise("type {} doesn't define __round__ method", type_name(v));
  const int64_t precision = p.integer(0, 0);
  if (method == "common") {
    if (v.is_int() && precision >= 0) return v.as_int();
    const double rounded = round_decimal(v.as_float(), precision);
    if (!v.is_int()) return rounded;
    if (std::fabs(rounded) >= 9.2e18) raise("an integer does not fit in 64 bits");
    return static_cast<int64_t>(rounded);
  }
  const double scale = std::pow(10.0, static_cast<double>(std::clamp<int64_t>(precision, -300, 300)));
  const double scaled = v.as_float() * scale;
  return (method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / scale;
}

Value f_default(In&, const Value& v, Args& args) {
  const Params p("default", args, {"default_value", "boolean"});
  if (v.is_undefined() || (p.flag(1) && !truth(v))) return p.value(0, Value(std::string()));
  return v;
}

constexpr BuiltinEntry kFilters[] = {
    {"trim", f_trim},
    {"upper", f_upper},
    {"lower", f_lower},
    {"capitalize", f_capitalize},
    {"title", f_title},
    {"string", f_string},
    {"safe", f_string},
    {"replace", f_replace},
    {"escape", f_escape},
    {"e", f_escape},
    {"forceescape", f_escape},
    {"indent", f_indent},
    {"center", f_center},
    {"wordcount", f_wordcount},
    {"format", f_format},
    {"tojson", f_tojson},
    {"int", f_int},
    {"float", f_float},
    {"abs", f_abs},
    {"round", f_round},
    {"default", f_default},
    {"d", f_default},
};

}  // namespace

Builtin find_text_filter(std::string_view name) {
  for (const BuiltinEntry& e : kFilters)
    if (e.name == name) return e.run;
  return nullptr;
}

Builtin find_filter(std::string_view name) {
  const Builtin found = find_text_filter(name);
  return found != nullptr ? found : find_sequence_filter(name);
}

}  // namespace hone::jinja
