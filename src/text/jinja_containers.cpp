// Methods of lists, tuples, ranges and dicts. Those that change their object are known by name only: the
// sandbox of chat templates is immutable.
#include <algorithm>

#include "text/jinja_builtins.h"
#include "text/jinja_interp.h"
#include "text/jinja_ops.h"

namespace hone::jinja {
namespace {

using In = Interpreter;

Value seq_count(In& in, const Value& self, Args& args) {
  const Params p("count", args, {"value"}, 1);
  int64_t n = 0;
  for (const Value& v : self.seq().items) n += equals(v, *p.get(0), in.budget());
  return n;
}

Value seq_index(In& in, const Value& self, Args& args) {
  const Params p("index", args, {"value", "start", "stop"}, 1);
  const auto& items = self.seq().items;
  const auto n = static_cast<int64_t>(items.size());
  const auto bound = [n](int64_t i) { return std::clamp<int64_t>(i < 0 ? i + n : i, 0, n); };
  const int64_t stop = bound(p.integer(2, n));
  for (int64_t i = bound(p.integer(1, 0)); i < stop; ++i)
    if (equals(items[static_cast<size_t>(i)], *p.get(0), in.budget())) return i;
  raise("{} is not in list", repr(*p.get(0), in.budget()));
}

Value same(In&, const Value& self, Args&) {
  return self;
}

Value dict_keys(In& in, const Value& self, Args&) {
  std::vector<Value> out;
  for (const auto& [key, value] : self.dict().items) out.push_back(key);
  return make_seq(in.budget(), std::move(out), SeqKind::kView, "dict_keys");
}

Value dict_values(In& in, const Value& self, Args&) {
  std::vector<Value> out;
  for (const auto& [key, value] : self.dict().items) out.push_back(value);
  return make_seq(in.budget(), std::move(out), SeqKind::kView, "dict_values");
}

Value dict_items(In& in, const Value& self, Args&) {
  std::vector<Value> out;
  for (const auto& [key, value] : self.dict().items)
    out.push_back(make_seq(in.budget(), {key, value}, SeqKind::kTuple));
  return make_seq(in.budget(), std::move(out), SeqKind::kView, "dict_items");
}

Value dict_get_method(In& in, const Value& self, Args& args) {
  if (!args.named.empty()) raise("dict.get() takes no keyword arguments");
  const Params p("get", args, {"key", "default"}, 1);
  const Value* found = dict_get(self.dict(), *p.get(0), in.budget());
  return found != nullptr ? *found : p.value(1, None{});
}

constexpr BuiltinEntry kSeqMethods[] = {{"count", seq_count}, {"index", seq_index}};
constexpr BuiltinEntry kDictMethods[] = {{"get", dict_get_method},
                                         {"items", dict_items},
                                         {"keys", dict_keys},
                                         {"values", dict_values},
                                         {"copy", same}};
constexpr std::string_view kListMutators[] = {"append", "clear", "pop",    "reverse",
                                              "insert", "sort",  "extend", "remove"};
constexpr std::string_view kDictMutators[] = {"clear", "pop", "popitem", "setdefault", "update"};

}  // namespace

bool is_mutating_method(const Value& self, std::string_view name) {
  const auto among = [name](const auto& names) {
    return std::find(std::begin(names), std::end(names), name) != std::end(names);
  };
  if (self.is_dict()) return among(kDictMutators);
  return self.is_seq() && self.seq().kind == SeqKind::kList && among(kListMutators);
}

Builtin find_method(const Value& self, std::string_view name) {
  if (self.is_string()) return find_string_method(name);
  if (self.is_dict()) {
    for (const BuiltinEntry& e : kDictMethods)
      if (e.name == name) return e.run;
  }
  if (self.is_seq()) {
    const SeqKind kind = self.seq().kind;
    if (kind == SeqKind::kView || kind == SeqKind::kIterator) return nullptr;
    for (const BuiltinEntry& e : kSeqMethods)
      if (e.name == name) return e.run;
    if (name == "copy" && kind == SeqKind::kList) return same;
  }
  return nullptr;
}

}  // namespace hone::jinja
