// Statements.
#include "text/jinja_interp.h"

#include <algorithm>

#include "text/jinja_builtins.h"
#include "text/jinja_objects.h"
#include "text/jinja_ops.h"

namespace hone::jinja {

namespace {
constexpr size_t kScopeBytes = 128;
constexpr uint64_t kScopeSteps = 20;  // what making one costs beside an ordinary step
constexpr int kMaxDepth = 1000;       // of eval() and exec() in each other: bounds the machine's stack
}  // namespace

struct Interpreter::Deeper {
  explicit Deeper(Interpreter& in) : in_(in) {
    in.budget_.step();
    if (in.depth_ >= kMaxDepth)
      fail(ErrorCode::kResourceExhausted, "macros or expressions are nested deeper than {} levels",
           kMaxDepth);
    ++in.depth_;
  }
  ~Deeper() { --in_.depth_; }
  Interpreter& in_;
};

// Sends output into a string of its own for as long as it lives.
class Capture {
 public:
  explicit Capture(Interpreter& in)
      : in_(in), builder_(in.budget()), outer_(std::exchange(in.out_, &builder_)) {}
  ~Capture() { in_.out_ = outer_; }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;
  Str finish() { return builder_.finish(); }
  Value finish_value() { return builder_.finish_value(); }

 private:
  Interpreter& in_;
  StrBuilder builder_;
  StrBuilder* outer_;
};

Interpreter::Interpreter(Value context) : context_(std::move(context)) {}

Interpreter::~Interpreter() {
  for (const auto& object : namespaces_) object->clear();
  for (const auto& scope : scopes_) scope->vars.clear();
}

void Interpreter::keep(std::shared_ptr<Namespace> object) {
  namespaces_.push_back(std::move(object));
}

void Interpreter::keep(const ScopePtr& scope) {
  if (scopes_.empty() || scopes_.back() != scope) scopes_.push_back(scope);
}

ScopePtr Interpreter::inner(const ScopePtr& scope) {
  budget_.take_bytes(kScopeBytes);
  budget_.step(kScopeSteps);
  auto out = std::make_shared<Scope>();
  out->parent = scope;
  return out;
}

Str Interpreter::run(const Block& block) {
  try {
    Capture capture(*this);
    exec(block, inner(nullptr));
    return capture.finish();
  } catch (const Error& e) {
    throw Error(e.code(),
                fmt::format("chat template: line {}, column {}: {}", at_.line, at_.column, e.what()));
  }
}

Interpreter::Flow Interpreter::exec(const Block& block, const ScopePtr& scope) {
  const Deeper deeper(*this);
  for (const StmtPtr& stmt : block) {
    const Flow flow = exec(*stmt, scope);
    if (flow != Flow::kNormal) return flow;
  }
  return Flow::kNormal;
}

Interpreter::Flow Interpreter::exec(const Stmt& stmt, const ScopePtr& scope) {
  budget_.step();
  at_ = stmt.at;
  switch (stmt.kind) {
    case StmtKind::kText:
      out_->all(*stmt.text);
      break;
    case StmtKind::kPrint:
      append_str(*out_, eval(*stmt.a, scope), budget_);
      break;
    case StmtKind::kIf:
      return exec_if(stmt, scope);
    case StmtKind::kFor:
      return exec_for(stmt, scope, eval(*stmt.b, scope), 1);
    case StmtKind::kBreak:
      return Flow::kBreak;
    case StmtKind::kContinue:
      return Flow::kContinue;
    case StmtKind::kSet:
      assign(*stmt.a, eval(*stmt.b, scope), scope);
      break;
    case StmtKind::kSetBlock:
      return exec_set_block(stmt, scope);
    case StmtKind::kMacro:
      define_macro(stmt, scope);
      break;
    case StmtKind::kCallBlock:
      exec_call_block(stmt, scope);
      break;
    case StmtKind::kFilterBlock:
      return exec_filter_block(stmt, scope);
    case StmtKind::kScope:
      return exec_scope(stmt, scope);
  }
  return Flow::kNormal;
}

Interpreter::Flow Interpreter::exec_if(const Stmt& stmt, const ScopePtr& scope) {
  for (const auto& [condition, body] : stmt.branches)
    if (truth(eval(*condition, scope))) return exec(body, scope);
  return exec(stmt.otherwise, scope);
}

Interpreter::Flow Interpreter::exec_for(const Stmt& stmt, const ScopePtr& scope, const Value& over,
                                        size_t depth) {
  std::vector<Value> items = iterate(over, budget_);
  if (stmt.c) {
    std::vector<Value> kept;
    for (Value& v : items) {
      const ScopePtr trial = inner(scope);
      assign(*stmt.a, v, trial);
      if (truth(eval(*stmt.c, trial))) kept.push_back(std::move(v));
    }
    items = std::move(kept);
  }
  const auto loop = std::make_shared<Loop>(stmt, stmt.recursive ? scope : nullptr, std::move(items), depth);
  bool any_to_its_end = false;  // what Jinja2's `else` asks for: continue and break count as nothing done
  for (size_t i = 0; i < loop->items().size(); ++i) {
    loop->move_to(i);
    const ScopePtr body = inner(scope);
    body->vars["loop"] = ObjectPtr(loop);
    assign(*stmt.a, loop->items()[i], body);
    const Flow flow = exec(stmt.body, body);
    if (flow == Flow::kBreak) break;
    any_to_its_end = any_to_its_end || flow == Flow::kNormal;
  }
  return any_to_its_end ? Flow::kNormal : exec(stmt.otherwise, inner(scope));
}

Value Interpreter::run_loop(const Stmt& loop, const ScopePtr& scope, const Value& items, size_t depth) {
  const Deeper deeper(*this);
  Capture capture(*this);
  exec_for(loop, scope, items, depth);
  return capture.finish_value();
}

Interpreter::Flow Interpreter::capture(const Block& block, const ScopePtr& scope, Value& out) {
  Capture capture(*this);
  const Flow flow = exec(block, scope);
  out = capture.finish_value();
  return flow;
}

Interpreter::Flow Interpreter::exec_set_block(const Stmt& stmt, const ScopePtr& scope) {
  Value text;
  const ScopePtr body = inner(scope);
  const Flow flow = capture(stmt.body, body, text);
  if (flow != Flow::kNormal) return flow;
  assign(*stmt.a, stmt.b ? apply_filters(*stmt.b, text, body) : text, scope);
  return flow;
}

Interpreter::Flow Interpreter::exec_filter_block(const Stmt& stmt, const ScopePtr& scope) {
  Value text;
  const ScopePtr body = inner(scope);
  const Flow flow = capture(stmt.body, body, text);
  if (flow == Flow::kNormal) append_str(*out_, apply_filters(*stmt.a, text, body), budget_);
  return flow;
}

Interpreter::Flow Interpreter::exec_scope(const Stmt& stmt, const ScopePtr& scope) {
  const ScopePtr body = inner(scope);
  for (const auto& [to, from] : stmt.assigns) assign(*to, eval(*from, scope), body);
  return exec(stmt.body, body);
}

void Interpreter::exec_call_block(const Stmt& stmt, const ScopePtr& scope) {
  keep(scope);
  const Value callee = eval(*stmt.a->kids[0], scope);
  Args args = eval_args(*stmt.a, scope);
  args.named.emplace_back("caller", ObjectPtr(std::make_shared<Macro>(stmt, scope, true)));
  at_ = stmt.at;
  append_str(*out_, call(callee, args), budget_);
}

void Interpreter::define_macro(const Stmt& stmt, const ScopePtr& scope) {
  keep(scope);
  budget_.take_bytes(sizeof(Macro));
  scope->vars[stmt.name] = ObjectPtr(std::make_shared<Macro>(stmt, scope, false));
}

void Interpreter::assign(const Expr& target, const Value& value, const ScopePtr& scope) {
  if (target.kind == ExprKind::kName) {
    budget_.take_bytes(sizeof(Value));
    scope->vars[target.name] = value;
    return;
  }
  if (target.kind == ExprKind::kNamespaceRef) {
    const Value object = eval_name(target.name, scope);
    auto* space = object.is_object() ? dynamic_cast<Namespace*>(&object.object()) : nullptr;
    at_ = target.at;
    if (space == nullptr) raise("cannot assign attribute on non-namespace object '{}'", target.name);
    space->set(*this, target.attribute, value);
    return;
  }
  require_defined(value);
  const std::vector<Value> items = iterate(value, budget_);
  at_ = target.at;
  if (items.size() != target.kids.size())
    raise("cannot unpack: got {} values, expected {}", items.size(), target.kids.size());
  for (size_t i = 0; i < items.size(); ++i) assign(*target.kids[i], items[i], scope);
}

// Binds arguments as Jinja's Macro does: by position, by name, then defaults; `caller`, `varargs` and
// `kwargs` exist only in macros whose body names them.
Value Interpreter::run_macro(const Stmt& macro, const ScopePtr& outer, Args& args, bool is_caller) {
  const Deeper deeper(*this);
  const ScopePtr scope = inner(outer);
  const size_t n = macro.params.size();
  std::vector<std::pair<std::string, Value>> named = std::move(args.named);
  const auto take = [&](std::string_view name, Value& into) {
    const auto it =
        std::find_if(named.begin(), named.end(), [&](const auto& arg) { return arg.first == name; });
    if (it == named.end()) return false;
    into = std::move(it->second);
    named.erase(it);
    return true;
  };
  for (size_t i = 0; i < n; ++i) {
    const Param& param = macro.params[i];
    Value value = make_undefined(fmt::format("parameter '{}' was not provided", param.name));
    if (i < args.positional.size())
      value = args.positional[i];
    else if (!take(param.name, value) && param.fallback)
      value = eval(*param.fallback, scope);
    scope->vars[param.name] = std::move(value);
  }
  if (macro.uses_caller && !scope->vars.contains("caller")) {
    Value caller = make_undefined("No caller defined");
    take("caller", caller);
    scope->vars["caller"] = std::move(caller);
  }
  const std::string what = is_caller ? "caller" : macro.name;
  if (macro.uses_kwargs) {
    std::vector<std::pair<Value, Value>> rest;
    rest.reserve(named.size());
    for (auto& [name, value] : named) rest.emplace_back(Value(name), std::move(value));
    scope->vars["kwargs"] = make_dict(budget_, std::move(rest));
  } else if (!named.empty()) {
    raise("macro '{}' takes no keyword argument '{}'", what, named[0].first);
  }
  if (macro.uses_varargs) {
    std::vector<Value> rest;
    for (size_t i = n; i < args.positional.size(); ++i) rest.push_back(args.positional[i]);
    scope->vars["varargs"] = make_seq(budget_, std::move(rest), SeqKind::kTuple);
  } else if (args.positional.size() > n) {
    raise("macro '{}' takes not more than {} argument(s)", what, n);
  }
  Capture capture(*this);
  exec(macro.body, scope);
  return capture.finish_value();
}

Value Interpreter::call(const Value& callee, Args& args) {
  budget_.step();
  require_defined(callee);
  if (!callee.is_object() || !callee.object().callable())
    raise("'{}' object is not callable", type_name(callee));
  // Held here: a macro may replace the variable it was called by.
  const ObjectPtr alive = callee.object_ptr();  // NOLINT(performance-unnecessary-copy-initialization)
  return alive->call(*this, args);
}

Value Interpreter::filter(std::string_view name, const Value& v, Args& args) {
  const Builtin builtin = find_filter(name);
  if (builtin == nullptr) fail(ErrorCode::kNotSupported, "unknown filter '{}'", name);
  return builtin(*this, v, args);
}

bool Interpreter::test(std::string_view name, const Value& v, Args& args) {
  const Builtin builtin = find_test(name);
  if (builtin == nullptr) fail(ErrorCode::kNotSupported, "unknown test '{}'", name);
  return truth(builtin(*this, v, args));
}

// Deeper is private to this file, so the one entry of expression evaluation lives here too.
Value Interpreter::eval(const Expr& expr, const ScopePtr& scope) {
  const Deeper deeper(*this);
  if (expr.kind == ExprKind::kConst) return expr.value;
  at_ = expr.at;
  if (expr.kind == ExprKind::kName) return eval_name(expr.name, scope);
  return eval_operation(expr, scope);
}

}  // namespace hone::jinja
