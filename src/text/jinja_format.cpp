// '…' % values and '…'.format(values), as far as templates use them: strings, integers, floats, widths.
#include <algorithm>
#include <cctype>
#include <cmath>

#include "text/jinja_builtins.h"
#include "text/jinja_interp.h"
#include "text/jinja_ops.h"
#include "text/jinja_text.h"

namespace hone::jinja {
namespace {

constexpr int64_t kMaxWidth = 1'000'000;

struct Spec {
  bool left = false, zero = false, plus = false, space = false, alternate = false, comma = false,
       centre = false;
  bool aligned = false;
  std::string fill = " ";
  int64_t width = 0;
  int64_t precision = -1;
  char type = '\0';
};

int64_t read_number(std::string_view s, size_t& at) {
  int64_t out = 0;
  for (; at < s.size() && std::isdigit(static_cast<unsigned char>(s[at])); ++at) {
    out = out * 10 + (s[at] - '0');
    if (out > kMaxWidth) fail(ErrorCode::kResourceExhausted, "a format width is beyond {}", kMaxWidth);
  }
  return out;
}

void pad_into(StrBuilder& out, const Str& body, const Spec& spec, bool is_number) {
  const auto n = static_cast<int64_t>(count_code_points(body.text));
  const int64_t room = std::max<int64_t>(spec.width - n, 0);
  const auto pad = [&](int64_t times, std::string_view with) {
    for (int64_t i = 0; i < times; ++i) out.raw(with);
  };
  if (is_number && spec.zero && !spec.left && !spec.aligned) {
    const bool sign =
        !body.text.empty() && (body.text[0] == '-' || body.text[0] == '+' || body.text[0] == ' ');
    out.part(body, 0, sign);
    pad(room, "0");
    out.part(body, sign, body.text.size());
    return;
  }
  const int64_t before = spec.centre ? room / 2 : spec.left ? 0 : room;
  pad(before, spec.fill);
  out.all(body);
  pad(room - before, spec.fill);
}

std::string signed_text(std::string text, const Spec& spec) {
  if (text.starts_with('-')) return text;
  if (spec.plus) return "+" + text;
  if (spec.space) return " " + text;
  return text;
}

std::string with_commas(std::string text) {
  const auto dot = static_cast<size_t>(std::find(text.begin(), text.end(), '.') - text.begin());
  const size_t first = text.starts_with('-') ? 1 : 0;
  for (size_t at = dot; at > first + 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

std::string integer_text(const Value& v, const Spec& spec) {
  int64_t n = 0;
  if (v.is_int())
    n = v.as_int();
  else if (v.is_float() && std::fabs(v.as_float()) < 9.2e18)
    n = static_cast<int64_t>(v.as_float());
  else
    raise("%{} format: a real number is required, not {}", spec.type, type_name(v));
  const uint64_t magnitude = n < 0 ? 0 - static_cast<uint64_t>(n) : static_cast<uint64_t>(n);
  const std::string sign = n < 0 ? "-" : "";
  switch (spec.type) {
    case 'x':
      return sign + (spec.alternate ? "0x" : "") + fmt::format("{:x}", magnitude);
    case 'X':
      return sign + (spec.alternate ? "0X" : "") + fmt::format("{:X}", magnitude);
    case 'o':
      return sign + (spec.alternate ? "0o" : "") + fmt::format("{:o}", magnitude);
    case 'b':
      return sign + (spec.alternate ? "0b" : "") + fmt::format("{:b}", magnitude);
    default:
      return fmt::format("{}", n);
  }
}

// Python's format without a type: as g, but with a digit behind the point, for which there must be room.
std::string with_point(double d, int precision) {
  std::string text = fmt::format("{:.{}g}", d, precision);
  if (text.find_first_of(".en") != std::string::npos) return text;
  const size_t digits = text.size() - (text.starts_with('-') ? 1 : 0);
  if (digits < static_cast<size_t>(precision)) return text + ".0";
  text = fmt::format("{:.{}e}", d, precision - 1);
  const size_t exponent = text.find('e');
  size_t end = exponent;
  if (text.find('.') < exponent) {
    while (text[end - 1] == '0') --end;
    if (text[end - 1] == '.') --end;
  }
  return text.erase(end, exponent - end);
}

std::string float_text(const Value& v, const Spec& spec) {
  if (!v.is_number()) raise("must be real number, not {}", type_name(v));
  const int precision = static_cast<int>(std::min<int64_t>(spec.precision < 0 ? 6 : spec.precision, 1000));
  const double d = v.as_float();
  switch (spec.type) {
    case '\0':
      return with_point(d, std::max(precision, 1));
    case 'e':
      return fmt::format("{:.{}e}", d, precision);
    case 'E':
      return fmt::format("{:.{}E}", d, precision);
    case 'g':
      return fmt::format("{:.{}g}", d, precision);
    case 'G':
      return fmt::format("{:.{}G}", d, precision);
    case '%':
      return fmt::format("{:.{}f}%", d * 100, precision);
    default:
      return fmt::format("{:.{}f}", d, precision);
  }
}

class Percent {
 public:
  Percent(const Value& format, const Value& values, Budget& budget)
      : s_(format.str()), values_(values), budget_(budget), out_(budget) {
    tuple_ = values.is_seq() && values.seq().kind == SeqKind::kTuple;
  }

  Value run() {
    const std::string& s = s_.text;
    while (at_ < s.size()) {
      const size_t percent = std::min(s.find('%', at_), s.size());
      out_.part(s_, at_, percent);
      at_ = percent;
      if (at_ < s.size()) directive();
    }
    const bool all_used =
        tuple_ ? used_ == values_.seq().items.size() : used_ == 1 || values_.is_dict() || values_.is_seq();
    if (!all_used) raise("not all arguments converted during string formatting");
    return out_.finish_value();
  }

 private:
  void directive() {
    const std::string& s = s_.text;
    ++at_;
    Spec spec;
    Value given;
    bool named = false;
    if (at_ < s.size() && s[at_] == '(') {
      const size_t close = s.find(')', at_);
      if (close == std::string::npos || !values_.is_dict()) raise("format requires a mapping");
      const Value key{s.substr(at_ + 1, close - at_ - 1)};
      const Value* found = dict_get(values_.dict(), key, budget_);
      if (found == nullptr) raise("key {} is missing in the format's arguments", repr(key, budget_));
      given = *found;
      named = true;
      at_ = close + 1;
    }
    for (; at_ < s.size() && std::string_view("-0+ #").find(s[at_]) != std::string_view::npos; ++at_) {
      if (s[at_] == '-') spec.left = true;
      if (s[at_] == '0') spec.zero = true;
      if (s[at_] == '+') spec.plus = true;
      if (s[at_] == ' ') spec.space = true;
      if (s[at_] == '#') spec.alternate = true;
    }
    spec.width = read_number(s, at_);
    if (at_ < s.size() && s[at_] == '.') spec.precision = read_number(s, ++at_);
    if (at_ >= s.size()) raise("incomplete format");
    spec.type = s[at_++];
    if (spec.type == '%') return out_.raw("%");
    convert(spec, named ? given : next_value());
  }

  Value next_value() {
    if (tuple_) {
      if (used_ >= values_.seq().items.size()) raise("not enough arguments for format string");
      return values_.seq().items[used_++];
    }
    if (used_ > 0) raise("not enough arguments for format string");
    ++used_;
    return values_;
  }

  void convert(const Spec& spec, const Value& v) {
    switch (spec.type) {
      case 's':
      case 'r': {
        Str text = spec.type == 's' ? to_str(v, budget_) : Str{repr(v, budget_), {}};
        if (spec.precision >= 0) {
          StrBuilder cut(budget_);
          cut.part(text, 0, byte_offset(text.text, static_cast<size_t>(spec.precision)));
          text = cut.finish();
        }
        return pad_into(out_, text, spec, false);
      }
      case 'd':
      case 'i':
      case 'u':
      case 'x':
      case 'X':
      case 'o':
        return pad_into(out_, Str{signed_text(integer_text(v, spec), spec), {}}, spec, true);
      case 'e':
      case 'E':
      case 'f':
      case 'F':
      case 'g':
      case 'G':
        return pad_into(out_, Str{signed_text(float_text(v, spec), spec), {}}, spec, true);
      default:
        raise("unsupported format character '{}'", spec.type);
    }
  }

  const Str& s_;
  const Value& values_;
  Budget& budget_;
  StrBuilder out_;
  size_t at_ = 0, used_ = 0;
  bool tuple_ = false;
};

// What stands behind the colon of {name:…}: [[fill]align][sign][#][0][width][,][.precision][type].
Spec read_spec(std::string_view s) {
  Spec spec;
  size_t at = 0;
  const auto is_align = [&](size_t i) { return i < s.size() && (s[i] == '<' || s[i] == '>' || s[i] == '^'); };
  const size_t first = s.empty() ? 0 : code_point_at(s, 0).bytes;
  if (first > 0 && is_align(first)) {
    spec.fill = s.substr(0, first);
    at = first;
  }
  if (is_align(at)) {
    spec.aligned = true;
    spec.left = s[at] == '<';
    spec.centre = s[at] == '^';
    ++at;
  }
  const auto take = [&](char c) { return at < s.size() && s[at] == c ? (++at, true) : false; };
  spec.plus = take('+');
  if (!spec.plus && !take('-')) spec.space = take(' ');
  spec.alternate = take('#');
  spec.zero = take('0');
  spec.width = read_number(s, at);
  spec.comma = take(',');
  if (take('.')) spec.precision = read_number(s, at);
  if (at < s.size()) spec.type = s[at++];
  if (at != s.size()) raise("invalid format specifier '{}'", s);
  return spec;
}

void brace_convert(StrBuilder& out, const Value& v, Spec spec, Budget& budget) {
  const bool as_float =
      v.is_float() || std::string_view("eEfFgG%").find(spec.type ? spec.type : ' ') != std::string_view::npos;
  if (v.is_number() && !(v.is_bool() && spec.type == '\0')) {
    std::string text;
    if (as_float)
      text = spec.type == '\0' && spec.precision < 0 ? float_repr(v.as_float()) : float_text(v, spec);
    else
      text = integer_text(v, spec);
    if (spec.comma) text = with_commas(std::move(text));
    return pad_into(out, Str{signed_text(std::move(text), spec), {}}, spec, true);
  }
  if (spec.type != '\0' && spec.type != 's')
    raise("unknown format code '{}' for object of type '{}'", spec.type, type_name(v));
  if (!spec.aligned) spec.left = true;
  Str text = to_str(v, budget);
  if (spec.precision >= 0) {
    StrBuilder cut(budget);
    cut.part(text, 0, byte_offset(text.text, static_cast<size_t>(spec.precision)));
    text = cut.finish();
  }
  pad_into(out, text, spec, false);
}

// "name.attribute[0]" of {…}.
Value brace_field(Interpreter& in, std::string_view field, Args& args, size_t& automatic) {
  const size_t end = std::min(field.find_first_of(".["), field.size());
  const std::string first(field.substr(0, end));
  field.remove_prefix(end);
  Value v;
  const bool numbered = first.find_first_not_of("0123456789") == std::string::npos;
  if (numbered) {
    const auto given =
        first.empty() ? std::optional<int64_t>(static_cast<int64_t>(automatic++)) : parse_int(first, 10);
    if (!given || static_cast<size_t>(*given) >= args.positional.size())
      raise("replacement index {} out of range for positional args tuple", given.value_or(0));
    v = args.positional[static_cast<size_t>(*given)];
  } else {
    const auto it =
        std::find_if(args.named.begin(), args.named.end(), [&](const auto& n) { return n.first == first; });
    if (it == args.named.end()) raise("format(): no argument '{}'", first);
    v = it->second;
  }
  while (!field.empty()) {
    const bool bracket = field[0] == '[';
    const size_t stop = bracket ? field.find(']') : std::min(field.find_first_of(".[", 1), field.size());
    if (stop == std::string_view::npos) raise("missing ']' in format string");
    const std::string part(field.substr(1, stop - 1));
    const auto number = bracket ? parse_int(part, 10) : std::nullopt;
    v = !bracket ? in.attribute(v, part) : in.subscript(v, number ? Value(*number) : Value(part));
    field.remove_prefix(std::min(stop + (bracket ? 1 : 0), field.size()));
    in.budget().step();
  }
  return v;
}

}  // namespace

Value percent_format(const Value& format, const Value& values, Budget& budget) {
  return Percent(format, values, budget).run();
}

Value brace_format(Interpreter& in, const Value& format, Args& args) {
  const Str& source = format.str();
  const std::string& s = source.text;
  StrBuilder out(in.budget());
  size_t automatic = 0;
  for (size_t at = 0; at < s.size();) {
    const size_t brace = std::min(s.find_first_of("{}", at), s.size());
    out.part(source, at, brace);
    at = brace;
    if (at >= s.size()) break;
    if (at + 1 < s.size() && s[at + 1] == s[at]) {
      out.part(source, at, at + 1);
      at += 2;
      continue;
    }
    const size_t close = s.find('}', at);
    if (s[at] == '}' || close == std::string::npos) raise("single '{}' encountered in format string", s[at]);
    std::string_view field = std::string_view(s).substr(at + 1, close - at - 1);
    if (field.find('{') != std::string_view::npos)
      raise("nested fields in a format string are not supported");
    const size_t colon = std::min(field.find(':'), field.size());
    const std::string_view spec = field.substr(std::min(colon + 1, field.size()));
    std::string_view name = field.substr(0, colon);
    const bool as_repr = name.ends_with("!r");
    if (as_repr || name.ends_with("!s")) name.remove_suffix(2);
    Value v = brace_field(in, name, args, automatic);
    if (as_repr) v = Value(repr(v, in.budget()));
    brace_convert(out, v, read_spec(spec), in.budget());
    at = close + 1;
  }
  return out.finish_value();
}

}  // namespace hone::jinja
