// Objects that templates make.
#pragma once

#include <memory>

#include "text/jinja_builtins.h"
#include "text/jinja_interp.h"

namespace hone::jinja {

class Namespace : public Object {
 public:
  std::string repr(Budget& budget) const override;
  const char* type_name() const override { return "Namespace"; }
  std::optional<Value> attribute(Interpreter& in, std::string_view name) override;
  void set(Interpreter& in, std::string_view name, Value value);
  void clear() { attributes_.clear(); }

 private:
  std::vector<std::pair<std::string, Value>> attributes_;
};

class Macro : public Object {
 public:
  Macro(const Stmt& stmt, ScopePtr scope, bool is_caller)
      : stmt_(stmt), scope_(std::move(scope)), is_caller_(is_caller) {}
  std::string repr(Budget& budget) const override;
  const char* type_name() const override { return "Macro"; }
  bool callable() const override { return true; }
  Value call(Interpreter& in, Args& args) override { return in.run_macro(stmt_, scope_, args, is_caller_); }
  std::optional<Value> attribute(Interpreter& in, std::string_view name) override;

 private:
  const Stmt& stmt_;
  ScopePtr scope_;
  bool is_caller_;
};

// The `loop` variable.
class Loop : public Object, public std::enable_shared_from_this<Loop> {
 public:
  Loop(const Stmt& stmt, ScopePtr scope, std::vector<Value> items, size_t depth)
      : items_(std::move(items)), stmt_(stmt), scope_(std::move(scope)), depth_(depth) {}
  std::string repr(Budget& budget) const override;
  const char* type_name() const override { return "LoopContext"; }
  bool callable() const override { return stmt_.recursive; }
  Value call(Interpreter& in, Args& args) override;
  std::optional<Value> attribute(Interpreter& in, std::string_view name) override;

  const std::vector<Value>& items() const { return items_; }
  void move_to(size_t index) { index_ = index; }
  size_t index() const { return index_; }
  Value changed(Interpreter& in, Args& args);

 private:
  std::vector<Value> items_;
  size_t index_ = 0;
  const Stmt& stmt_;
  ScopePtr scope_;  // only of recursive loops
  size_t depth_;
  std::optional<Value> last_changed_;
};

}  // namespace hone::jinja
