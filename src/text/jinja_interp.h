// Runs a parsed template once. Statements are in jinja_interp.cpp, expressions in jinja_eval.cpp, the objects
// a template makes (macros, namespaces, loops) in jinja_objects.cpp.
#pragma once

#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "text/jinja_ast.h"
#include "text/jinja_value.h"

namespace hone::jinja {

struct Scope;
using ScopePtr = std::shared_ptr<Scope>;
struct Scope {
  std::unordered_map<std::string_view, Value> vars;
  ScopePtr parent;
};

class Namespace;

class Interpreter {
 public:
  // `context` are the variables of the rendering; names it lacks are looked up among the global functions.
  explicit Interpreter(Value context);
  ~Interpreter();
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  Str run(const Block& block);  // errors carry line and column

  // For the builtins.
  Budget& budget() { return budget_; }
  Value call(const Value& callee, Args& args);
  Value attribute(const Value& v, std::string_view name);  // v.name
  Value subscript(const Value& v, const Value& key);       // v[key]
  Value filter(std::string_view name, const Value& v, Args& args);
  bool test(std::string_view name, const Value& v, Args& args);
  Value run_macro(const Stmt& macro, const ScopePtr& scope, Args& args, bool is_caller);
  Value run_loop(const Stmt& loop, const ScopePtr& scope, const Value& items, size_t depth);
  // Objects that can hold each other in circles; they are emptied when the rendering ends.
  void keep(std::shared_ptr<Namespace> object);
  void keep(const ScopePtr& scope);

 private:
  enum class Flow { kNormal, kBreak, kContinue };
  struct Deeper;
  friend class Capture;

  Flow exec(const Block& block, const ScopePtr& scope);
  Flow exec(const Stmt& stmt, const ScopePtr& scope);
  Flow exec_if(const Stmt& stmt, const ScopePtr& scope);
  Flow exec_for(const Stmt& stmt, const ScopePtr& scope, const Value& items, size_t depth);
  Flow exec_set_block(const Stmt& stmt, const ScopePtr& scope);
  Flow exec_filter_block(const Stmt& stmt, const ScopePtr& scope);
  Flow exec_scope(const Stmt& stmt, const ScopePtr& scope);
  void exec_call_block(const Stmt& stmt, const ScopePtr& scope);
  void define_macro(const Stmt& stmt, const ScopePtr& scope);
  void assign(const Expr& target, const Value& value, const ScopePtr& scope);
  Flow capture(const Block& block, const ScopePtr& scope, Value& out);
  ScopePtr inner(const ScopePtr& scope);

  Value eval(const Expr& expr, const ScopePtr& scope);
  Value eval_operation(const Expr& expr, const ScopePtr& scope);
  Value eval_name(std::string_view name, const ScopePtr& scope);
  Value eval_condition(const Expr& expr, const ScopePtr& scope);
  Value eval_dict(const Expr& expr, const ScopePtr& scope);
  Value eval_items(const Expr& expr, const ScopePtr& scope);
  Value eval_concat(const Expr& expr, const ScopePtr& scope);
  Value eval_compare(const Expr& expr, const ScopePtr& scope);
  Value eval_slice(const Expr& expr, const ScopePtr& scope);
  Value eval_call(const Expr& expr, const ScopePtr& scope);
  Value apply_filter(const Expr& expr, const Value& input, const ScopePtr& scope);
  Value apply_filters(const Expr& expr, const Value& input, const ScopePtr& scope);
  Args eval_args(const Expr& expr, const ScopePtr& scope);
  void unpack_args(const Expr& expr, const ScopePtr& scope, Args& args);

  Budget budget_;
  Value context_;
  StrBuilder* out_ = nullptr;
  Position at_;
  int depth_ = 0;
  std::vector<std::shared_ptr<Namespace>> namespaces_;
  std::vector<ScopePtr> scopes_;
};

}  // namespace hone::jinja
