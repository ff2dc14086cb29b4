#include "text/jinja_objects.h"

#include "text/jinja_ops.h"

namespace hone::jinja {

std::string Namespace::repr(Budget& budget) const {
  const Budget::Nested nested(budget);  // a namespace can hold itself
  std::vector<std::pair<Value, Value>> items;
  for (const auto& [name, value] : attributes_) items.emplace_back(Value(name), value);
  return "<Namespace " + jinja::repr(make_dict(budget, std::move(items)), budget) + ">";
}

std::optional<Value> Namespace::attribute(Interpreter& in, std::string_view name) {
  in.budget().step(attributes_.size() / 8);
  for (const auto& [key, value] : attributes_)
    if (key == name) return value;
  return std::nullopt;
}

void Namespace::set(Interpreter& in, std::string_view name, Value value) {
  if (name.starts_with("_"))
    raise("chat templates cannot store underscore-prefixed attributes on a namespace: '{}'", name);
  in.budget().step(attributes_.size() / 8);
  for (auto& [key, old] : attributes_)
    if (key == name) {
      old = std::move(value);
      return;
    }
  in.budget().take_bytes(name.size() + sizeof(attributes_[0]));
  attributes_.emplace_back(name, std::move(value));
}

Value make_namespace(Interpreter& in, Args& args) {
  if (args.positional.size() > 1) raise("namespace() takes at most 1 positional argument");
  auto out = std::make_shared<Namespace>();
  in.budget().take_bytes(sizeof(Namespace));
  in.keep(out);
  if (!args.positional.empty()) {
    const Value& from = args.positional[0];
    if (!from.is_dict()) raise("'{}' object cannot fill a namespace, expected a dict", type_name(from));
    for (const auto& [key, value] : from.dict().items) out->set(in, to_str(key, in.budget()).text, value);
  }
  for (auto& [name, value] : args.named) out->set(in, name, std::move(value));
  return ObjectPtr(std::move(out));
}

std::string Macro::repr(Budget&) const {
  return is_caller_ ? "<Macro 'caller'>" : fmt::format("<Macro '{}'>", stmt_.name);
}

std::optional<Value> Macro::attribute(Interpreter& in, std::string_view name) {
  if (name == "name") return Value(is_caller_ ? "caller" : stmt_.name);
  if (name == "arguments") {
    std::vector<Value> names;
    for (const Param& p : stmt_.params) names.push_back(Value(p.name));
    return make_seq(in.budget(), std::move(names), SeqKind::kTuple);
  }
  if (name == "catch_kwargs") return Value(stmt_.uses_kwargs);
  if (name == "catch_varargs") return Value(stmt_.uses_varargs);
  if (name == "caller") return Value(stmt_.uses_caller);
  return std::nullopt;
}

std::string Loop::repr(Budget&) const {
  return fmt::format("<LoopContext {}/{}>", index_ + 1, items_.size());
}

Value Loop::call(Interpreter& in, Args& args) {
  const Params p("loop", args, {"iterable"}, 1);
  return in.run_loop(stmt_, scope_, *p.get(0), depth_ + 1);
}

Value Loop::changed(Interpreter& in, Args& args) {
  Value now = make_seq(in.budget(), args.positional, SeqKind::kTuple);
  if (last_changed_ && equals(*last_changed_, now, in.budget())) return false;
  last_changed_ = std::move(now);
  return true;
}

namespace {
Value loop_cycle(Interpreter&, const Value& self, Args& args) {
  if (args.positional.empty()) raise("no items for cycling given");
  return args.positional[static_cast<Loop&>(self.object()).index() % args.positional.size()];
}

Value loop_changed(Interpreter& in, const Value& self, Args& args) {
  return static_cast<Loop&>(self.object()).changed(in, args);
}
}  // namespace

std::optional<Value> Loop::attribute(Interpreter&, std::string_view name) {
  const auto number = [](size_t n) { return Value(static_cast<int64_t>(n)); };
  const size_t n = items_.size();
  if (name == "index") return number(index_ + 1);
  if (name == "index0") return number(index_);
  if (name == "revindex") return number(n - index_);
  if (name == "revindex0") return number(n - index_ - 1);
  if (name == "length") return number(n);
  if (name == "first") return Value(index_ == 0);
  if (name == "last") return Value(index_ + 1 == n);
  if (name == "depth") return number(depth_);
  if (name == "depth0") return number(depth_ - 1);
  if (name == "previtem")
    return index_ > 0 ? items_[index_ - 1] : make_undefined("there is no previous item");
  if (name == "nextitem")
    return index_ + 1 < n ? items_[index_ + 1] : make_undefined("there is no next item");
  const ObjectPtr self = shared_from_this();
  if (name == "cycle") return make_function("cycle", loop_cycle, self);
  if (name == "changed") return make_function("changed", loop_changed, self);
  return std::nullopt;
}

}  // namespace hone::jinja
