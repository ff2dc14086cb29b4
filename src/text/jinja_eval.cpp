// Expressions.
#include "text/jinja_builtins.h"
#include "text/jinja_interp.h"
#include "text/jinja_ops.h"

namespace hone::jinja {

Value Interpreter::eval_operation(const Expr& expr, const ScopePtr& scope) {
  const auto kid = [&](size_t i) { return eval(*expr.kids[i], scope); };
  switch (expr.kind) {
    case ExprKind::kConst:
      return expr.value;
    case ExprKind::kName:
    case ExprKind::kNamespaceRef:
      return eval_name(expr.name, scope);
    case ExprKind::kList:
    case ExprKind::kTuple:
      return eval_items(expr, scope);
    case ExprKind::kDict:
      return eval_dict(expr, scope);
    case ExprKind::kCondition:
      return eval_condition(expr, scope);
    case ExprKind::kOr: {
      Value left = kid(0);
      return truth(left) ? left : kid(1);
    }
    case ExprKind::kAnd: {
      Value left = kid(0);
      return truth(left) ? kid(1) : left;
    }
    case ExprKind::kNot:
      return !truth(kid(0));
    case ExprKind::kNegate:
      return negate(kid(0));
    case ExprKind::kPlus:
      return plus(kid(0));
    case ExprKind::kBinary: {
      const Value left = kid(0), right = kid(1);
      at_ = expr.at;
      return binary(expr.name, left, right, budget_);
    }
    case ExprKind::kConcat:
      return eval_concat(expr, scope);
    case ExprKind::kCompare:
      return eval_compare(expr, scope);
    case ExprKind::kAttribute: {
      const Value object = kid(0);
      at_ = expr.at;
      return attribute(object, expr.name);
    }
    case ExprKind::kSubscript: {
      const Value object = kid(0), key = kid(1);
      at_ = expr.at;
      return subscript(object, key);
    }
    case ExprKind::kSlice:
      return eval_slice(expr, scope);
    case ExprKind::kCall:
      return eval_call(expr, scope);
    case ExprKind::kFilter:
      return apply_filter(expr, kid(0), scope);
    case ExprKind::kTest: {
      const Value subject = kid(0);
      Args args = eval_args(expr, scope);
      at_ = expr.at;
      return test(expr.name, subject, args);
    }
  }
  return {};
}

Value Interpreter::eval_name(std::string_view name, const ScopePtr& scope) {
  for (const Scope* s = scope.get(); s != nullptr; s = s->parent.get()) {
    const auto it = s->vars.find(name);
    if (it != s->vars.end()) return it->second;
  }
  if (const Value* v = context_.dict().find(name)) return *v;
  if (const BuiltinEntry* g = find_global(name)) return make_function(g->name, g->run);
  return make_undefined(fmt::format("'{}' is undefined", name));
}

Value Interpreter::eval_condition(const Expr& expr, const ScopePtr& scope) {
  if (truth(eval(*expr.kids[0], scope))) return eval(*expr.kids[1], scope);
  if (expr.kids[2]) return eval(*expr.kids[2], scope);
  return make_undefined("the inline if-expression evaluated to false and no else section was defined");
}

Value Interpreter::eval_items(const Expr& expr, const ScopePtr& scope) {
  std::vector<Value> items;
  for (const ExprPtr& kid : expr.kids) items.push_back(eval(*kid, scope));
  return make_seq(budget_, std::move(items),
                  expr.kind == ExprKind::kTuple ? SeqKind::kTuple : SeqKind::kList);
}

Value Interpreter::eval_dict(const Expr& expr, const ScopePtr& scope) {
  Dict dict;
  for (size_t i = 0; i + 1 < expr.kids.size(); i += 2) {
    Value key = eval(*expr.kids[i], scope);
    Value value = eval(*expr.kids[i + 1], scope);
    at_ = expr.at;
    if (const Value* old = dict_get(dict, key, budget_))
      *const_cast<Value*>(old) = std::move(value);  // `dict` is ours and not const
    else
      dict.items.emplace_back(std::move(key), std::move(value));
  }
  return make_dict(budget_, std::move(dict.items));
}

Value Interpreter::eval_concat(const Expr& expr, const ScopePtr& scope) {
  StrBuilder out(budget_);
  for (const ExprPtr& kid : expr.kids) append_str(out, eval(*kid, scope), budget_);
  return out.finish_value();
}

Value Interpreter::eval_compare(const Expr& expr, const ScopePtr& scope) {
  Value left = eval(*expr.kids[0], scope);
  for (size_t i = 0; i < expr.operators.size(); ++i) {
    Value right = eval(*expr.kids[i + 1], scope);
    at_ = expr.at;
    if (!compare_op(expr.operators[i], left, right, budget_)) return false;
    left = std::move(right);
  }
  return true;
}

Value Interpreter::eval_slice(const Expr& expr, const ScopePtr& scope) {
  Value parts[4];
  for (size_t i = 0; i < 4; ++i) parts[i] = expr.kids[i] ? eval(*expr.kids[i], scope) : Value(None{});
  at_ = expr.at;
  return slice(parts[0], parts[1], parts[2], parts[3], budget_);
}

Args Interpreter::eval_args(const Expr& expr, const ScopePtr& scope) {
  Args args;
  for (size_t i = 1; i < expr.kids.size(); ++i) args.positional.push_back(eval(*expr.kids[i], scope));
  for (const auto& [name, value] : expr.named) {
    for (const auto& earlier : args.named)
      if (earlier.first == name) raise("keyword argument repeated: {}", name);
    args.named.emplace_back(name, eval(*value, scope));
  }
  if (expr.star || expr.double_star) unpack_args(expr, scope, args);
  return args;
}

void Interpreter::unpack_args(const Expr& expr, const ScopePtr& scope, Args& args) {
  if (expr.star)
    for (Value& v : iterate(eval(*expr.star, scope), budget_)) args.positional.push_back(std::move(v));
  if (!expr.double_star) return;
  const Value extra = eval(*expr.double_star, scope);
  if (!extra.is_dict()) raise("argument after ** must be a mapping, not {}", type_name(extra));
  for (const auto& [key, value] : extra.dict().items) {
    if (!key.is_string()) raise("keywords must be strings");
    for (const auto& earlier : args.named)
      if (earlier.first == key.text()) raise("got multiple values for keyword argument '{}'", key.text());
    budget_.step(args.named.size());
    args.named.emplace_back(key.text(), value);
  }
}

Value Interpreter::eval_call(const Expr& expr, const ScopePtr& scope) {
  const Value callee = eval(*expr.kids[0], scope);
  Args args = eval_args(expr, scope);
  at_ = expr.at;
  return call(callee, args);
}

Value Interpreter::apply_filter(const Expr& expr, const Value& input, const ScopePtr& scope) {
  Args args = eval_args(expr, scope);
  at_ = expr.at;
  return filter(expr.name, input, args);
}

// The filters of {% filter a|b %} hang on each other; the innermost takes the block.
Value Interpreter::apply_filters(const Expr& expr, const Value& input, const ScopePtr& scope) {
  const Expr* inner = expr.kids[0].get();
  return apply_filter(expr, inner != nullptr ? apply_filters(*inner, input, scope) : input, scope);
}

namespace {
std::string no_attribute(const Value& v, const std::string& name) {
  if (v.is_none()) return fmt::format("'None' has no attribute '{}'", name);
  return fmt::format("'{} object' has no attribute '{}'", type_name(v), name);
}

// Methods and attributes; undefined where the sandbox forbids them.
std::optional<Value> python_attribute(Interpreter& in, const Value& v, std::string_view name) {
  if (name.starts_with("_") || is_mutating_method(v, name))
    return make_undefined(
        fmt::format("access to attribute '{}' of '{}' object is unsafe", name, type_name(v)));
  if (v.is_object()) return v.object().attribute(in, name);
  if (const Builtin run = find_method(v, name)) return make_function(name, run, v);
  return std::nullopt;
}
}  // namespace

Value Interpreter::attribute(const Value& v, std::string_view name) {
  budget_.step();
  require_defined(v);
  // A dict has no attributes that start with an underscore and are not Python's own.
  const bool is_key = v.is_dict() && !name.starts_with("__") && name.starts_with("_");
  if (!is_key)
    if (auto found = python_attribute(*this, v, name)) return *found;
  if (v.is_dict()) {
    budget_.step(v.dict().items.size() / 8);
    if (const Value* found = v.dict().find(name)) return *found;
  }
  return make_undefined(no_attribute(v, std::string(name)));
}

Value Interpreter::subscript(const Value& v, const Value& key) {
  budget_.step();
  require_defined(v);
  if (auto found = item(v, key, budget_)) return *found;
  if (key.is_string()) {
    if (auto found = python_attribute(*this, v, key.text())) return *found;
    return make_undefined(no_attribute(v, key.text()));
  }
  return make_undefined(fmt::format("'{}' object has no element {}", type_name(v), repr(key, budget_)));
}

}  // namespace hone::jinja
