#include "text/jinja_ops.h"

#include <algorithm>
#include <cmath>

#include "text/jinja_builtins.h"
#include "text/jinja_text.h"

namespace hone::jinja {

void raise_undefined(const Value& v) {
  const auto& why = v.undefined().why;
  raise("{}", why ? *why : "value is undefined");
}

void require_defined(const Value& v) {
  if (v.is_undefined()) raise_undefined(v);
}

namespace {

[[noreturn]] void unsupported(std::string_view op, const Value& a, const Value& b) {
  require_defined(a);
  require_defined(b);
  raise("unsupported operand type(s) for {}: '{}' and '{}'", op, type_name(a), type_name(b));
}

[[noreturn]] void overflow() {
  raise("an integer does not fit in 64 bits");
}

double floor_mod(double x, double y) {
  const double r = std::fmod(x, y);
  if (r != 0 && (r < 0) != (y < 0)) return r + y;
  return r == 0 ? std::copysign(0.0, y) : r;
}

Value int_power(int64_t base, int64_t exponent, Budget& budget) {
  int64_t out = 1;
  for (int64_t i = 0; i < exponent; ++i) {
    budget.step();
    if (out == 0 || (base == 1) || (base == -1 && i > 1)) {
      if (base == -1) return exponent % 2 == 0 ? int64_t{1} : int64_t{-1};
      return out;
    }
    if (__builtin_mul_overflow(out, base, &out)) overflow();
  }
  return out;
}

Value int_op(std::string_view op, int64_t x, int64_t y, Budget& budget) {
  int64_t out = 0;
  if (op == "+") {
    if (__builtin_add_overflow(x, y, &out)) overflow();
    return out;
  }
  if (op == "-") {
    if (__builtin_sub_overflow(x, y, &out)) overflow();
    return out;
  }
  if (op == "*") {
    if (__builtin_mul_overflow(x, y, &out)) overflow();
    return out;
  }
  if (op == "**") {
    if (y >= 0) return int_power(x, y, budget);
    if (x == 0) raise("0.0 cannot be raised to a negative power");
    return std::pow(static_cast<double>(x), static_cast<double>(y));
  }
  if (y == 0) raise("division by zero");
  if (op == "/") return static_cast<double>(x) / static_cast<double>(y);
  if (y == -1) {  // the one quotient that overflows
    if (op == "%") return int64_t{0};
    if (__builtin_sub_overflow(int64_t{0}, x, &out)) overflow();
    return out;
  }
  const bool adjust = x % y != 0 && (x < 0) != (y < 0);
  if (op == "//") return x / y - adjust;
  return x % y + (adjust ? y : 0);
}

Value float_op(std::string_view op, double x, double y) {
  if (op == "+") return x + y;
  if (op == "-") return x - y;
  if (op == "*") return x * y;
  if (op == "**") {
    if (x == 0 && y < 0) raise("0.0 cannot be raised to a negative power");
    if (x < 0 && y != std::floor(y)) raise("complex numbers are not supported");
    return std::pow(x, y);
  }
  if (y == 0) raise("float division by zero");
  if (op == "/") return x / y;
  if (op == "//") return std::floor((x - floor_mod(x, y)) / y + 0.5);
  return floor_mod(x, y);
}

Value repeat(const Value& v, int64_t times, Budget& budget) {
  const uint64_t n = times < 0 ? 0 : static_cast<uint64_t>(times);
  if (v.is_string()) {
    if (!v.text().empty() && n > Budget::kMaxStringBytes / v.text().size())
      fail(ErrorCode::kResourceExhausted, "a string grows beyond {} bytes", Budget::kMaxStringBytes);
    StrBuilder out(budget);
    if (!v.text().empty())
      for (uint64_t i = 0; i < n; ++i) out.all(v.str());
    return out.finish_value();
  }
  std::vector<Value> items;
  const auto& from = v.seq().items;
  if (!from.empty()) {
    if (n > Budget::kMaxStringBytes / sizeof(Value) / from.size())
      fail(ErrorCode::kResourceExhausted, "a list grows too long");
    budget.take_bytes(n * from.size() * sizeof(Value));
    for (uint64_t i = 0; i < n; ++i) items.insert(items.end(), from.begin(), from.end());
  }
  return make_seq(budget, std::move(items), v.seq().kind);
}

bool is_plain_seq(const Value& v) {
  return v.is_seq() && (v.seq().kind == SeqKind::kList || v.seq().kind == SeqKind::kTuple);
}

}  // namespace

Value binary(std::string_view op, const Value& a, const Value& b, Budget& budget) {
  budget.step();
  if (a.is_int() && b.is_int()) return int_op(op, a.as_int(), b.as_int(), budget);
  if (a.is_number() && b.is_number()) return float_op(op, a.as_float(), b.as_float());
  if (op == "+") {
    if (a.is_string() && b.is_string()) {
      StrBuilder out(budget);
      out.all(a.str());
      out.all(b.str());
      return out.finish_value();
    }
    if (is_plain_seq(a) && is_plain_seq(b) && a.seq().kind == b.seq().kind) {
      budget.take_bytes((a.seq().items.size() + b.seq().items.size()) * sizeof(Value));
      std::vector<Value> items = a.seq().items;
      items.insert(items.end(), b.seq().items.begin(), b.seq().items.end());
      return make_seq(budget, std::move(items), a.seq().kind);
    }
  }
  if (op == "*") {
    if ((a.is_string() || is_plain_seq(a)) && b.is_int()) return repeat(a, b.as_int(), budget);
    if ((b.is_string() || is_plain_seq(b)) && a.is_int()) return repeat(b, a.as_int(), budget);
  }
  if (op == "%" && a.is_string()) {
    require_defined(b);
    return percent_format(a, b, budget);
  }
  unsupported(op, a, b);
}

Value negate(const Value& v) {
  if (v.is_int()) {
    int64_t out = 0;
    if (__builtin_sub_overflow(int64_t{0}, v.as_int(), &out)) overflow();
    return out;
  }
  if (v.is_float()) return -v.as_float();
  require_defined(v);
  raise("bad operand type for unary -: '{}'", type_name(v));
}

Value plus(const Value& v) {
  if (v.is_int()) return v.as_int();
  if (v.is_float()) return v;
  require_defined(v);
  raise("bad operand type for unary +: '{}'", type_name(v));
}

bool contains(const Value& container, const Value& what, Budget& budget) {
  if (container.is_string()) {
    if (!what.is_string()) {
      require_defined(what);
      raise("'in <string>' requires string as left operand, not {}", type_name(what));
    }
    return find_text(container.text(), what.text(), 0, budget) != std::string::npos;
  }
  if (container.is_dict()) return dict_get(container.dict(), what, budget) != nullptr;
  for (const Value& v : iterate(container, budget))
    if (equals(v, what, budget)) return true;
  return false;
}

bool compare_op(std::string_view op, const Value& a, const Value& b, Budget& budget) {
  if (op == "in") return contains(b, a, budget);
  if (op == "not in") return !contains(b, a, budget);
  if (op == "==") return equals(a, b, budget);
  if (op == "!=") return !equals(a, b, budget);
  const std::string name(op);
  const int c = compare(a, b, budget, name.c_str());
  if (op == "<") return c < 0;
  if (op == "<=") return c <= 0;
  const bool nan = a.is_number() && b.is_number() && (std::isnan(a.as_float()) || std::isnan(b.as_float()));
  return !nan && (op == ">" ? c > 0 : c >= 0);
}

std::vector<Value> iterate(const Value& v, Budget& budget) {
  std::vector<Value> out;
  if (v.is_undefined()) return out;
  if (v.is_string()) {
    const Str& s = v.str();
    budget.take_bytes(s.text.size() * sizeof(Value));
    out.reserve(s.text.size());
    for (CharWalk w{s.text}; !w.done(); w.next())
      out.push_back(str_slice(s, w.at, w.at + w.here().bytes, budget));
    return out;
  }
  if (v.is_dict()) {
    budget.take_bytes(v.dict().items.size() * sizeof(Value));
    for (const auto& [key, value] : v.dict().items) out.push_back(key);
    return out;
  }
  if (!v.is_seq()) raise("'{}' object is not iterable", type_name(v));
  const Seq& seq = v.seq();
  if (seq.kind == SeqKind::kIterator && std::exchange(seq.consumed, true)) return out;
  budget.take_bytes(seq.items.size() * sizeof(Value));
  return seq.items;
}

size_t length(const Value& v, Budget& budget) {
  if (v.is_undefined()) return 0;
  if (v.is_string()) {
    budget.step(v.text().size() / 64);
    return count_code_points(v.text());
  }
  if (v.is_dict()) return v.dict().items.size();
  if (v.is_seq() && v.seq().kind != SeqKind::kIterator) return v.seq().items.size();
  raise("object of type '{}' has no len()", type_name(v));
}

Value str_slice(const Str& s, size_t begin, size_t end, Budget& budget) {
  StrBuilder out(budget);
  out.part(s, begin, end);
  return out.finish_value();
}

std::optional<Value> item(const Value& v, const Value& key, Budget& budget) {
  if (v.is_dict()) {
    if (key.is_seq() || key.is_dict()) {
      if (!key.is_seq() || key.seq().kind == SeqKind::kList) return std::nullopt;  // unhashable
    }
    const Value* found = dict_get(v.dict(), key, budget);
    return found != nullptr ? std::optional<Value>(*found) : std::nullopt;
  }
  if (!key.is_int()) return std::nullopt;
  const bool indexable = v.is_seq() && v.seq().kind != SeqKind::kView && v.seq().kind != SeqKind::kIterator;
  if (!v.is_string() && !indexable) return std::nullopt;
  const auto n = static_cast<int64_t>(length(v, budget));
  int64_t i = key.as_int();
  if (i < 0) i += n;
  if (i < 0 || i >= n) return std::nullopt;
  if (indexable) return v.seq().items[static_cast<size_t>(i)];
  const Str& s = v.str();
  const size_t at = is_ascii(s.text) ? static_cast<size_t>(i) : byte_offset(s.text, static_cast<size_t>(i));
  return str_slice(s, at, at + code_point_at(s.text, at).bytes, budget);
}

namespace {

std::optional<int64_t> slice_index(const Value& v) {
  if (v.is_none()) return std::nullopt;
  if (v.is_int()) return v.as_int();
  raise("slice indices must be integers or None, not {}", type_name(v));
}

struct Picks {
  int64_t start, stop, step;
  size_t count;
};

// Python's slice.indices().
Picks picks(const Value& start, const Value& stop, const Value& step, int64_t n) {
  const int64_t by = slice_index(step).value_or(1);
  if (by == 0) raise("slice step cannot be zero");
  const int64_t low = by < 0 ? -1 : 0, high = by < 0 ? n - 1 : n;
  const auto bound = [&](const Value& v, int64_t fallback) {
    const auto given = slice_index(v);
    if (!given) return fallback;
    return std::clamp(*given < 0 ? *given + n : *given, low, high);
  };
  const int64_t from = bound(start, by < 0 ? high : low);
  const int64_t to = bound(stop, by < 0 ? low : high);
  if (by > 0) return {from, to, by, from < to ? static_cast<size_t>((to - from - 1) / by + 1) : 0};
  // -by overflows for the smallest step, which picks at most one item anyway.
  const int64_t down = by == INT64_MIN ? INT64_MAX : -by;
  return {from, to, by, from > to ? static_cast<size_t>((from - to - 1) / down + 1) : 0};
}

Value slice_string(const Str& s, const Picks& p, size_t n, Budget& budget) {
  if (p.step == 1) {
    const std::string_view view = s.text;
    const bool ascii = n == view.size();
    const auto from = static_cast<size_t>(p.start);
    const size_t begin = ascii ? from : byte_offset(view, from);
    const size_t end = ascii ? from + p.count : begin + byte_offset(view.substr(begin), p.count);
    return str_slice(s, p.count == 0 ? 0 : begin, p.count == 0 ? 0 : end, budget);
  }
  std::vector<size_t> at;
  budget.take_bytes(n * sizeof(size_t));
  for (CharWalk w{s.text}; !w.done(); w.next()) at.push_back(w.at);
  at.push_back(s.text.size());
  StrBuilder out(budget);
  for (size_t i = 0; i < p.count; ++i) {
    const auto k = static_cast<size_t>(p.start + static_cast<int64_t>(i) * p.step);
    out.part(s, at[k], at[k + 1]);
  }
  return out.finish_value();
}

}  // namespace

Value slice(const Value& v, const Value& start, const Value& stop, const Value& step, Budget& budget) {
  require_defined(v);
  const bool sliceable = v.is_seq() && v.seq().kind != SeqKind::kView && v.seq().kind != SeqKind::kIterator;
  if (!v.is_string() && !sliceable) raise("'{}' object is not subscriptable", type_name(v));
  const size_t n = length(v, budget);
  const Picks p = picks(start, stop, step, static_cast<int64_t>(n));
  if (v.is_string()) return slice_string(v.str(), p, n, budget);
  const Seq& seq = v.seq();
  std::vector<Value> items;
  items.reserve(p.count);
  for (size_t i = 0; i < p.count; ++i)
    items.push_back(seq.items[static_cast<size_t>(p.start + static_cast<int64_t>(i) * p.step)]);
  if (seq.kind != SeqKind::kRange) return make_seq(budget, std::move(items), seq.kind);
  budget.take_bytes(items.size() * sizeof(Value));
  auto out = std::make_shared<Seq>();
  out->kind = SeqKind::kRange;
  // Unsigned: ends at the edge of 64 bits may wrap.
  const auto at = [&](int64_t i) {
    return static_cast<int64_t>(static_cast<uint64_t>(seq.start) +
                                static_cast<uint64_t>(i) * static_cast<uint64_t>(seq.step));
  };
  out->start = at(p.start);
  out->stop = at(p.stop);
  // A step past 64 bits can only be printed wrong: such a slice has at most one item.
  if (__builtin_mul_overflow(seq.step, p.step, &out->step)) out->step = 1;
  out->items = std::move(items);
  return SeqPtr(std::move(out));
}

}  // namespace hone::jinja
