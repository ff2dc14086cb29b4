// Building, comparing and testing values.
#include "text/jinja_value.h"

#include <algorithm>
#include <cmath>

namespace hone::jinja {

void Budget::exhausted(const char* what) {
  fail(ErrorCode::kResourceExhausted, "{}: the template goes beyond what a chat template may use", what);
}

void StrBuilder::reserve(size_t n) {
  if (n > Budget::kMaxStringBytes - out_.text.size())
    fail(ErrorCode::kResourceExhausted, "a string grows beyond {} bytes", Budget::kMaxStringBytes);
  budget_.take_bytes(n);
}

void StrBuilder::raw(std::string_view text) {
  reserve(text.size());
  out_.text += text;
}

void StrBuilder::add_origin(size_t begin, size_t end, size_t message) {
  if (begin >= end) return;
  auto& all = out_.origins;
  if (!all.empty() && all.back().end == begin && all.back().message == message) {
    all.back().end = end;
    return;
  }
  budget_.take_bytes(sizeof(Origin));
  all.push_back({begin, end, message});
}

void StrBuilder::part(const Str& source, size_t begin, size_t end) {
  const size_t base = out_.text.size();
  raw(std::string_view(source.text).substr(begin, end - begin));
  const auto& from = source.origins;
  auto it = std::upper_bound(from.begin(), from.end(), begin,
                             [](size_t at, const Origin& o) { return at < o.end; });
  for (; it != from.end() && it->begin < end; ++it)
    add_origin(base + std::max(it->begin, begin) - begin, base + std::min(it->end, end) - begin, it->message);
}

void StrBuilder::mapped(const Str& source, size_t at, std::string_view text) {
  const size_t base = out_.text.size();
  raw(text);
  const auto& from = source.origins;
  auto it =
      std::upper_bound(from.begin(), from.end(), at, [](size_t i, const Origin& o) { return i < o.end; });
  if (it != from.end() && it->begin <= at) add_origin(base, base + text.size(), it->message);
}

Value StrBuilder::finish_value() {
  constexpr size_t kObject = sizeof(Str) + 32;  // with its reference counts and the heap's own share
  budget_.take_bytes(kObject);
  return StrPtr(std::make_shared<const Str>(std::move(out_)));
}

Value Object::call(Interpreter&, Args&) {
  raise("'{}' object is not callable", type_name());
}
std::optional<Value> Object::attribute(Interpreter&, std::string_view) {
  return std::nullopt;
}

bool Value::same_object(const Value& other) const {
  if (v_.index() != other.v_.index()) return false;
  if (is_none()) return true;
  if (is_bool()) return as_bool() == other.as_bool();
  if (is_int()) return as_int() == other.as_int();
  if (is_float()) return as_float() == other.as_float();
  if (is_string()) return text() == other.text();
  if (is_seq()) return std::get<SeqPtr>(v_) == std::get<SeqPtr>(other.v_);
  if (is_dict()) return std::get<DictPtr>(v_) == std::get<DictPtr>(other.v_);
  if (is_object()) return object_ptr() == other.object_ptr();
  return false;
}

const Value* Dict::find(std::string_view key) const {
  for (const auto& [k, v] : items)
    if (k.is_string() && k.text() == key) return &v;
  return nullptr;
}

Value make_undefined(std::string why) {
  return Undefined{std::make_shared<const std::string>(std::move(why))};
}

namespace {
size_t depth_of(const Value& v) {
  return v.is_seq() ? v.seq().depth : v.is_dict() ? v.dict().depth : 0;
}

void check_depth(size_t depth) {
  if (depth > Budget::kMaxDepth)
    fail(ErrorCode::kResourceExhausted, "lists are nested deeper than {}", Budget::kMaxDepth);
}
}  // namespace

Value make_seq(Budget& budget, std::vector<Value> items, SeqKind kind, const char* label) {
  budget.take_bytes(sizeof(Seq) + items.size() * sizeof(Value));
  auto out = std::make_shared<Seq>();
  for (const Value& v : items) out->depth = std::max(out->depth, depth_of(v) + 1);
  check_depth(out->depth);
  out->kind = kind;
  out->items = std::move(items);
  out->label = label;
  return SeqPtr(std::move(out));
}

Value make_dict(Budget& budget, std::vector<std::pair<Value, Value>> items) {
  budget.take_bytes(sizeof(Dict) + items.size() * 2 * sizeof(Value));
  auto out = std::make_shared<Dict>();
  for (const auto& [k, v] : items) out->depth = std::max({out->depth, depth_of(k) + 1, depth_of(v) + 1});
  check_depth(out->depth);
  out->items = std::move(items);
  return DictPtr(std::move(out));
}

const char* type_name(const Value& v) {
  if (v.is_undefined()) return "Undefined";
  if (v.is_none()) return "NoneType";
  if (v.is_bool()) return "bool";
  if (v.is_int()) return "int";
  if (v.is_float()) return "float";
  if (v.is_string()) return "str";
  if (v.is_dict()) return "dict";
  if (v.is_object()) return v.object().type_name();
  switch (v.seq().kind) {
    case SeqKind::kList:
      return "list";
    case SeqKind::kTuple:
      return "tuple";
    case SeqKind::kRange:
      return "range";
    case SeqKind::kView:
    case SeqKind::kIterator:
      return v.seq().label;
  }
  return "object";
}

bool truth(const Value& v) {
  if (v.is_undefined() || v.is_none()) return false;
  if (v.is_int()) return v.as_int() != 0;
  if (v.is_float()) return v.as_float() != 0;
  if (v.is_string()) return !v.text().empty();
  if (v.is_dict()) return !v.dict().items.empty();
  if (v.is_seq()) return v.seq().kind == SeqKind::kIterator || !v.seq().items.empty();
  return true;
}

namespace {
bool seq_equals(const Seq& a, const Seq& b, Budget& budget) {
  if (a.kind != b.kind || a.kind == SeqKind::kIterator) return &a == &b;
  if (a.items.size() != b.items.size()) return false;
  for (size_t i = 0; i < a.items.size(); ++i)
    if (!equals(a.items[i], b.items[i], budget)) return false;
  return true;
}

bool dict_equals(const Dict& a, const Dict& b, Budget& budget) {
  if (a.items.size() != b.items.size()) return false;
  for (const auto& [k, v] : a.items) {
    const Value* other = dict_get(b, k, budget);
    if (other == nullptr || !equals(v, *other, budget)) return false;
  }
  return true;
}
}  // namespace

bool equals(const Value& a, const Value& b, Budget& budget) {
  budget.step();
  if (a.is_int() && b.is_int()) return a.as_int() == b.as_int();
  if (a.is_number() && b.is_number()) return a.as_float() == b.as_float();
  if (a.is_string() && b.is_string()) {
    if (a.text().size() != b.text().size()) return false;
    budget.step(a.text().size() / 64);
    return a.text() == b.text();
  }
  if (a.is_seq() && b.is_seq()) return seq_equals(a.seq(), b.seq(), budget);
  if (a.is_dict() && b.is_dict()) return dict_equals(a.dict(), b.dict(), budget);
  if (a.is_undefined() && b.is_undefined()) return true;
  return a.same_object(b);
}

int compare(const Value& a, const Value& b, Budget& budget, const char* op) {
  budget.step();
  if (a.is_int() && b.is_int()) return a.as_int() < b.as_int() ? -1 : a.as_int() > b.as_int();
  if (a.is_number() && b.is_number()) {
    // NaN is neither: reported as "greater", which makes < and <= false as Python has it.
    const double x = a.as_float(), y = b.as_float();
    return x < y ? -1 : x == y ? 0 : 1;
  }
  if (a.is_string() && b.is_string()) {
    budget.step(std::min(a.text().size(), b.text().size()) / 64);
    const int c = a.text().compare(b.text());
    return c < 0 ? -1 : c > 0;
  }
  if (a.is_seq() && b.is_seq() && a.seq().kind == b.seq().kind &&
      (a.seq().kind == SeqKind::kList || a.seq().kind == SeqKind::kTuple)) {
    const auto &x = a.seq().items, &y = b.seq().items;
    for (size_t i = 0; i < std::min(x.size(), y.size()); ++i)
      if (!equals(x[i], y[i], budget)) return compare(x[i], y[i], budget, op);
    return x.size() < y.size() ? -1 : x.size() > y.size();
  }
  for (const Value* v : {&a, &b})
    if (v->is_undefined()) raise("{}", v->undefined().why ? *v->undefined().why : "value is undefined");
  raise("'{}' not supported between instances of '{}' and '{}'", op, type_name(a), type_name(b));
}

const Value* dict_get(const Dict& dict, const Value& key, Budget& budget) {
  if (key.is_dict() || (key.is_seq() && key.seq().kind == SeqKind::kList))
    raise("unhashable type: '{}'", type_name(key));
  budget.step(dict.items.size() / 8);
  if (key.is_string()) return dict.find(key.text());
  for (const auto& [k, v] : dict.items)
    if (equals(k, key, budget)) return &v;
  return nullptr;
}

}  // namespace hone::jinja
