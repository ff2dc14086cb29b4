// Filters over sequences and mappings.
#include <algorithm>

#include "text/jinja_builtins.h"
#include "text/jinja_interp.h"
#include "text/jinja_ops.h"
#include "text/jinja_text.h"

namespace hone::jinja {
namespace {

using In = Interpreter;

Value generator(In& in, std::vector<Value> items) {
  return make_seq(in.budget(), std::move(items), SeqKind::kIterator, "generator");
}

// "a.b.0" of a value, one subscript after another.
Value by_path(In& in, Value v, const Value& path) {
  if (path.is_int()) return in.subscript(v, path);
  std::string_view rest = path.text();
  for (;;) {
    const size_t dot = rest.find('.');
    const std::string part(rest.substr(0, dot));
    const bool index =
        !part.empty() && std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
    const auto number = index ? parse_int(part, 10) : std::nullopt;
    v = in.subscript(v, number ? Value(*number) : Value(part));
    if (dot == std::string_view::npos) return v;
    rest.remove_prefix(dot + 1);
  }
}

const Value& path_argument(const Value& v) {
  require_defined(v);
  if (!v.is_string() && !v.is_int()) raise("attribute names are strings or integers, got '{}'", type_name(v));
  return v;
}

// The key that sort, min, max and unique compare by.
Value key_of(In& in, const Value& v, const Value* attribute, bool case_sensitive) {
  Value key = attribute != nullptr && !attribute->is_none() ? by_path(in, v, path_argument(*attribute)) : v;
  if (!case_sensitive && key.is_string()) return change_case(key.str(), lower, in.budget());
  return key;
}

Value f_length(In& in, const Value& v, Args&) {
  return static_cast<int64_t>(length(v, in.budget()));
}
Value f_list(In& in, const Value& v, Args&) {
  return make_seq(in.budget(), iterate(v, in.budget()));
}

Value f_first(In& in, const Value& v, Args&) {
  const std::vector<Value> items = iterate(v, in.budget());
  return items.empty() ? make_undefined("no first item, sequence was empty") : items.front();
}

Value f_last(In& in, const Value& v, Args&) {
  if (v.is_seq() && v.seq().kind == SeqKind::kIterator) raise("'{}' object is not reversible", type_name(v));
  const std::vector<Value> items = iterate(v, in.budget());
  return items.empty() ? make_undefined("no last item, sequence was empty") : items.back();
}

Value f_join(In& in, const Value& v, Args& args) {
  const Params p("join", args, {"d", "attribute"});
  const Str separator = p.given(0) ? to_str(*p.get(0), in.budget()) : Str{};
  StrBuilder out(in.budget());
  bool first = true;
  for (const Value& item : iterate(v, in.budget())) {
    if (!std::exchange(first, false)) out.all(separator);
    const bool by = p.given(1) && !p.get(1)->is_none();
    append_str(out, by ? by_path(in, item, path_argument(*p.get(1))) : item, in.budget());
  }
  return out.finish_value();
}

Value f_reverse(In& in, const Value& v, Args&) {
  if (v.is_string()) return slice(v, None{}, None{}, int64_t{-1}, in.budget());
  std::vector<Value> items = iterate(v, in.budget());
  std::reverse(items.begin(), items.end());
  const bool was_iterator = v.is_seq() && v.seq().kind == SeqKind::kIterator;
  if (was_iterator) return make_seq(in.budget(), std::move(items));
  return make_seq(in.budget(), std::move(items), SeqKind::kIterator, "list_reverseiterator");
}

// Filter or test by name over items: the arguments after the name are passed on.
Args rest_of(const Args& args, size_t skip) {
  Args rest;
  rest.positional.assign(
      args.positional.begin() + static_cast<std::ptrdiff_t>(std::min(skip, args.positional.size())),
      args.positional.end());
  rest.named = args.named;
  return rest;
}

Value f_map(In& in, const Value& v, Args& args) {
  std::vector<Value> out;
  if (!truth(v)) return generator(in, std::move(out));  // as Jinja: even of none
  if (args.positional.empty()) {
    const Params p("map", args, {"attribute", "default"}, 1);
    for (const Value& item : iterate(v, in.budget())) {
      Value found = by_path(in, item, path_argument(*p.get(0)));
      if (found.is_undefined() && p.given(1)) found = *p.get(1);
      out.push_back(std::move(found));
    }
    return generator(in, std::move(out));
  }
  if (!args.positional[0].is_string())
    raise("map: got '{}', expected a filter name", type_name(args.positional[0]));
  const std::string name = args.positional[0].text();
  for (const Value& item : iterate(v, in.budget())) {
    Args rest = rest_of(args, 1);
    in.budget().take_bytes(sizeof(Value));
    out.push_back(in.filter(name, item, rest));
  }
  return generator(in, std::move(out));
}

Value choose(In& in, const Value& v, Args& args, bool by_attribute, bool keep) {
  size_t skip = 0;
  Value path;
  if (by_attribute) {
    if (args.positional.empty()) raise("selectattr/rejectattr: missing the attribute");
    path = path_argument(args.positional[0]);
    skip = 1;
  }
  const bool has_test = args.positional.size() > skip;
  if (has_test && !args.positional[skip].is_string())
    raise("select: got '{}', expected a test name", type_name(args.positional[skip]));
  std::vector<Value> out;
  if (!truth(v)) return generator(in, std::move(out));
  for (const Value& item : iterate(v, in.budget())) {
    in.budget().step();
    const Value subject = by_attribute ? by_path(in, item, path) : item;
    bool yes = truth(subject);
    if (has_test) {
      Args rest = rest_of(args, skip + 1);
      yes = in.test(args.positional[skip].text(), subject, rest);
    }
    if (yes == keep) out.push_back(item);
  }
  return generator(in, std::move(out));
}
Value f_select(In& in, const Value& v, Args& args) {
  return choose(in, v, args, false, true);
}
Value f_reject(In& in, const Value& v, Args& args) {
  return choose(in, v, args, false, false);
}
Value f_selectattr(In& in, const Value& v, Args& args) {
  return choose(in, v, args, true, true);
}
Value f_rejectattr(In& in, const Value& v, Args& args) {
  return choose(in, v, args, true, false);
}

using Keyed = std::pair<Value, Value>;

Value sorted_by_key(In& in, std::vector<Keyed> items, bool reverse) {
  const auto less = [&](const Keyed& a, const Keyed& b) {
    return compare(a.first, b.first, in.budget()) < 0;
  };
  if (reverse) std::reverse(items.begin(), items.end());  // equal items keep their order, as in Python
  std::stable_sort(items.begin(), items.end(), less);
  if (reverse) std::reverse(items.begin(), items.end());
  std::vector<Value> out;
  out.reserve(items.size());
  for (Keyed& item : items) out.push_back(std::move(item.second));
  return make_seq(in.budget(), std::move(out));
}

Value f_sort(In& in, const Value& v, Args& args) {
  const Params p("sort", args, {"reverse", "case_sensitive", "attribute"});
  std::vector<Keyed> keyed;
  for (const Value& item : iterate(v, in.budget())) {
    const Value* attribute = p.get(2);
    if (attribute == nullptr || !attribute->is_string() || attribute->text().find(',') == std::string::npos) {
      keyed.emplace_back(key_of(in, item, attribute, p.flag(1)), item);
      continue;
    }
    std::vector<Value> keys;  // "a,b": by a, then by b
    std::string_view rest = attribute->text();
    for (size_t comma = 0; comma != std::string_view::npos;) {
      comma = rest.find(',');
      const Value part{std::string(rest.substr(0, comma))};
      keys.push_back(key_of(in, item, &part, p.flag(1)));
      if (comma != std::string_view::npos) rest.remove_prefix(comma + 1);
    }
    keyed.emplace_back(make_seq(in.budget(), std::move(keys)), item);
  }
  return sorted_by_key(in, std::move(keyed), p.flag(0));
}

Value f_dictsort(In& in, const Value& v, Args& args) {
  const Params p("dictsort", args, {"case_sensitive", "by", "reverse"});
  const std::string by = p.given(1) ? p.text(1).text() : "key";
  if (by != "key" && by != "value") raise("you can only sort by either \"key\" or \"value\"");
  require_defined(v);
  if (!v.is_dict()) raise("'{}' object has no attribute 'items'", type_name(v));
  std::vector<Keyed> keyed;
  for (const auto& [key, value] : v.dict().items)
    keyed.emplace_back(key_of(in, by == "key" ? key : value, nullptr, p.flag(0)),
                       make_seq(in.budget(), {key, value}, SeqKind::kTuple));
  return sorted_by_key(in, std::move(keyed), p.flag(2));
}

Value f_unique(In& in, const Value& v, Args& args) {
  const Params p("unique", args, {"case_sensitive", "attribute"});
  std::vector<Value> seen, out;
  for (const Value& item : iterate(v, in.budget())) {
    Value key = key_of(in, item, p.get(1), p.flag(0));
    dict_get(Dict{}, key, in.budget());  // complains about keys that cannot be
    const bool old =
        std::any_of(seen.begin(), seen.end(), [&](const Value& s) { return equals(s, key, in.budget()); });
    if (old) continue;
    seen.push_back(std::move(key));
    out.push_back(item);
  }
  return generator(in, std::move(out));
}

Value extreme(In& in, const Value& v, Args& args, int sign) {
  const Params p(sign < 0 ? "min" : "max", args, {"case_sensitive", "attribute"});
  const std::vector<Value> items = iterate(v, in.budget());
  if (items.empty()) return make_undefined("no aggregated item, sequence was empty");
  size_t best = 0;
  Value best_key = key_of(in, items[0], p.get(1), p.flag(0));
  for (size_t i = 1; i < items.size(); ++i) {
    Value key = key_of(in, items[i], p.get(1), p.flag(0));
    if (compare(key, best_key, in.budget()) * sign <= 0) continue;
    best = i;
    best_key = std::move(key);
  }
  return items[best];
}
Value f_min(In& in, const Value& v, Args& args) {
  return extreme(in, v, args, -1);
}
Value f_max(In& in, const Value& v, Args& args) {
  return extreme(in, v, args, 1);
}

Value f_sum(In& in, const Value& v, Args& args) {
  const Params p("sum", args, {"attribute", "start"});
  Value total = p.value(1, int64_t{0});
  if (total.is_string()) raise("sum() can't sum strings [use ''.join(seq) instead]");
  const bool by = p.given(0) && !p.get(0)->is_none();
  for (const Value& item : iterate(v, in.budget()))
    total = binary("+", total, by ? by_path(in, item, path_argument(*p.get(0))) : item, in.budget());
  return total;
}

Value f_items(In& in, const Value& v, Args&) {
  std::vector<Value> out;
  if (v.is_undefined()) return generator(in, std::move(out));
  if (!v.is_dict()) raise("can only get item pairs from a mapping");
  for (const auto& [key, value] : v.dict().items)
    out.push_back(make_seq(in.budget(), {key, value}, SeqKind::kTuple));
  return generator(in, std::move(out));
}

Value f_batch(In& in, const Value& v, Args& args) {
  const Params p("batch", args, {"linecount", "fill_with"}, 1);
  const int64_t n = p.integer(0, 1);
  std::vector<Value> out, row;
  for (const Value& item : iterate(v, in.budget())) {
    if (static_cast<int64_t>(row.size()) == n) out.push_back(make_seq(in.budget(), std::exchange(row, {})));
    row.push_back(item);
  }
  if (!row.empty()) {
    while (p.given(1) && !p.get(1)->is_none() && static_cast<int64_t>(row.size()) < n) {
      in.budget().take_bytes(sizeof(Value));
      row.push_back(*p.get(1));
    }
    out.push_back(make_seq(in.budget(), std::move(row)));
  }
  return generator(in, std::move(out));
}

Value f_attr(In& in, const Value& v, Args& args) {
  const Params p("attr", args, {"name"}, 1);
  const std::string name = to_str(*p.get(0), in.budget()).text;
  // Attributes only, never items: those of a dict are its methods.
  if (v.is_dict() && find_method(v, name) == nullptr)
    return make_undefined(fmt::format("'dict object' has no attribute '{}'", name));
  return in.attribute(v, name);
}

constexpr BuiltinEntry kFilters[] = {
    {"length", f_length},
    {"count", f_length},
    {"list", f_list},
    {"first", f_first},
    {"last", f_last},
    {"join", f_join},
    {"reverse", f_reverse},
    {"map", f_map},
    {"select", f_select},
    {"reject", f_reject},
    {"sort", f_sort},
    {"selectattr", f_selectattr},
    {"rejectattr", f_rejectattr},
    {"unique", f_unique},
    {"dictsort", f_dictsort},
    {"min", f_min},
    {"max", f_max},
    {"sum", f_sum},
    {"items", f_items},
    {"batch", f_batch},
    {"attr", f_attr},
};

}  // namespace

Builtin find_sequence_filter(std::string_view name) {
  for (const BuiltinEntry& e : kFilters)
    if (e.name == name) return e.run;
  return nullptr;
}

}  // namespace hone::jinja
