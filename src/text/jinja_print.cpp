// str(), repr() and json.dumps() of values.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "text/jinja_text.h"
#include "text/jinja_value.h"

namespace hone::jinja {

std::string float_repr(double v) {
  if (std::isnan(v)) return "nan";
  if (std::isinf(v)) return v < 0 ? "-inf" : "inf";
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, v, std::chars_format::scientific).ptr;
  std::string text(buffer, end);
  std::string sign;
  if (text[0] == '-') {
    sign = "-";
    text.erase(0, 1);
  }
  const size_t e = text.find('e');
  const int exponent = std::stoi(text.substr(e + 1));
  std::string digits = text.substr(0, 1);
  if (e > 2) digits += text.substr(2, e - 2);
  const int n = static_cast<int>(digits.size());
  if (exponent < -4 || exponent >= 16) {
    const std::string mantissa = digits.substr(0, 1) + (n > 1 ? "." + digits.substr(1) : "");
    return fmt::format("{}{}e{}{:02d}", sign, mantissa, exponent < 0 ? '-' : '+', std::abs(exponent));
  }
  if (exponent < 0) return sign + "0." + std::string(static_cast<size_t>(-exponent - 1), '0') + digits;
  if (n <= exponent + 1)
    return sign + digits + std::string(static_cast<size_t>(exponent + 1 - n), '0') + ".0";
  return sign + digits.substr(0, static_cast<size_t>(exponent) + 1) + "." +
         digits.substr(static_cast<size_t>(exponent) + 1);
}

namespace {

void repr_char(StrBuilder& out, const std::string& s, size_t at, CodePoint c, char quote) {
  if (c.value == quote || c.value == '\\') {
    out.raw("\\");
    out.raw(std::string_view(s).substr(at, 1));
  } else if (c.value == '\n') {
    out.raw("\\n");
  } else if (c.value == '\r') {
    out.raw("\\r");
  } else if (c.value == '\t') {
    out.raw("\\t");
  } else if (c.value != ' ' && !is_printable(c.value)) {
    if (c.value < 0x100)
      out.raw(fmt::format("\\x{:02x}", c.value));
    else if (c.value < 0x10000)
      out.raw(fmt::format("\\u{:04x}", c.value));
    else
      out.raw(fmt::format("\\U{:08x}", c.value));
  } else {
    out.raw(std::string_view(s).substr(at, c.bytes));
  }
}

void repr_into(StrBuilder& out, const Value& v, Budget& budget);

void repr_string(StrBuilder& out, const std::string& s) {
  const bool use_double = s.find('\'') != std::string::npos && s.find('"') == std::string::npos;
  const char quote = use_double ? '"' : '\'';
  out.raw(std::string_view(&quote, 1));
  for (CharWalk w{s}; !w.done(); w.next()) repr_char(out, s, w.at, w.here(), quote);
  out.raw(std::string_view(&quote, 1));
}

void repr_seq(StrBuilder& out, const Seq& seq, Budget& budget) {
  if (seq.kind == SeqKind::kIterator) return out.raw(fmt::format("<{} object>", seq.label));
  if (seq.kind == SeqKind::kRange) {
    return out.raw(seq.step == 1 ? fmt::format("range({}, {})", seq.start, seq.stop)
                                 : fmt::format("range({}, {}, {})", seq.start, seq.stop, seq.step));
  }
  if (seq.kind == SeqKind::kView) out.raw(fmt::format("{}(", seq.label));
  const bool tuple = seq.kind == SeqKind::kTuple;
  out.raw(tuple ? "(" : "[");
  for (size_t i = 0; i < seq.items.size(); ++i) {
    if (i > 0) out.raw(", ");
    repr_into(out, seq.items[i], budget);
  }
  if (tuple && seq.items.size() == 1) out.raw(",");
  out.raw(tuple ? ")" : "]");
  if (seq.kind == SeqKind::kView) out.raw(")");
}

void repr_into(StrBuilder& out, const Value& v, Budget& budget) {
  budget.step();
  if (v.is_string()) return repr_string(out, v.text());
  if (v.is_undefined()) return out.raw("Undefined");
  if (v.is_none()) return out.raw("None");
  if (v.is_bool()) return out.raw(v.as_bool() ? "True" : "False");
  if (v.is_int()) return out.raw(fmt::format("{}", v.as_int()));
  if (v.is_float()) return out.raw(float_repr(v.as_float()));
  if (v.is_object()) return out.raw(v.object().repr(budget));
  if (v.is_seq()) return repr_seq(out, v.seq(), budget);
  out.raw("{");
  bool first = true;
  for (const auto& [key, value] : v.dict().items) {
    if (!first) out.raw(", ");
    first = false;
    repr_into(out, key, budget);
    out.raw(": ");
    repr_into(out, value, budget);
  }
  out.raw("}");
}

}  // namespace

std::string repr(const Value& v, Budget& budget) {
  StrBuilder out(budget);
  repr_into(out, v, budget);
  return out.finish().text;
}

void append_str(StrBuilder& out, const Value& v, Budget& budget) {
  if (v.is_string()) return out.all(v.str());
  if (v.is_undefined()) return;
  repr_into(out, v, budget);
}

Str to_str(const Value& v, Budget& budget) {
  StrBuilder out(budget);
  append_str(out, v, budget);
  return out.finish();
}

namespace {

class JsonWriter {
 public:
  JsonWriter(const JsonStyle& style, Budget& budget) : style_(style), budget_(budget), out_(budget) {}

  void write(const Value& v, size_t level) {
    budget_.step();
    if (v.is_string()) return string(v.text());
    if (v.is_none()) return out_.raw("null");
    if (v.is_bool()) return out_.raw(v.as_bool() ? "true" : "false");
    if (v.is_int()) return out_.raw(fmt::format("{}", v.as_int()));
    if (v.is_float()) return out_.raw(number(v.as_float()));
    if (v.is_dict()) return object(v.dict(), level);
    if (v.is_seq() && (v.seq().kind == SeqKind::kList || v.seq().kind == SeqKind::kTuple))
      return array(v.seq(), level);
    raise("Object of type {} is not JSON serializable", type_name(v));
  }
  std::string finish() { return out_.finish().text; }

 private:
  static std::string number(double v) {
    if (std::isnan(v)) return "NaN";
    if (std::isinf(v)) return v < 0 ? "-Infinity" : "Infinity";
    return float_repr(v);
  }

  void new_line(size_t level) {
    if (!style_.indent) return;
    out_.raw("\n");
    for (size_t i = 0; i < level; ++i) out_.raw(*style_.indent);
  }

  void array(const Seq& seq, size_t level) {
    if (seq.items.empty()) return out_.raw("[]");
    out_.raw("[");
    for (size_t i = 0; i < seq.items.size(); ++i) {
      if (i > 0) out_.raw(style_.item_separator);
      new_line(level + 1);
      write(seq.items[i], level + 1);
    }
    new_line(level);
    out_.raw("]");
  }

  void object(const Dict& dict, size_t level) {
    if (dict.items.empty()) return out_.raw("{}");
    std::vector<const std::pair<Value, Value>*> order;
    for (const auto& item : dict.items) order.push_back(&item);
    if (style_.sort_keys)
      std::stable_sort(order.begin(), order.end(), [&](const auto* a, const auto* b) {
        return compare(a->first, b->first, budget_) < 0;
      });
    out_.raw("{");
    for (size_t i = 0; i < order.size(); ++i) {
      if (i > 0) out_.raw(style_.item_separator);
      new_line(level + 1);
      key(order[i]->first);
      out_.raw(style_.key_separator);
      write(order[i]->second, level + 1);
    }
    new_line(level);
    out_.raw("}");
  }

  void key(const Value& v) {
    if (v.is_string()) return string(v.text());
    if (v.is_none()) return out_.raw("\"null\"");
    if (v.is_bool()) return out_.raw(v.as_bool() ? "\"true\"" : "\"false\"");
    if (v.is_int()) return out_.raw(fmt::format("\"{}\"", v.as_int()));
    if (v.is_float()) return out_.raw("\"" + number(v.as_float()) + "\"");
    raise("keys must be str, int, float, bool or None, not {}", type_name(v));
  }

  void string(const std::string& s) {
    out_.raw("\"");
    for (CharWalk w{s}; !w.done(); w.next()) {
      const CodePoint c = w.here();
      switch (c.value) {
        case '"':
          out_.raw("\\\"");
          break;
        case '\\':
          out_.raw("\\\\");
          break;
        case '\n':
          out_.raw("\\n");
          break;
        case '\r':
          out_.raw("\\r");
          break;
        case '\t':
          out_.raw("\\t");
          break;
        case '\b':
          out_.raw("\\b");
          break;
        case '\f':
          out_.raw("\\f");
          break;
        default:
          character(s, w.at, c);
      }
    }
    out_.raw("\"");
  }

  void character(const std::string& s, size_t at, CodePoint c) {
    const bool escape = c.value < 0x20 || (style_.ascii && c.value >= 0x7F);
    if (!escape) return out_.raw(std::string_view(s).substr(at, c.bytes));
    if (c.value < 0x10000) return out_.raw(fmt::format("\\u{:04x}", c.value));
    const int32_t v = c.value - 0x10000;
    out_.raw(fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + (v >> 10), 0xDC00 + (v & 0x3FF)));
  }

  const JsonStyle& style_;
  Budget& budget_;
  StrBuilder out_;
};

}  // namespace

std::string to_json(const Value& v, const JsonStyle& style, Budget& budget) {
  JsonWriter writer(style, budget);
  writer.write(v, 0);
  return writer.finish();
}

}  // namespace hone::jinja
