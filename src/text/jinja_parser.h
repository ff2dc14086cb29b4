// Recursive-descent parser over the tokens of jinja_lexer.h. Expressions are in jinja_parse_expr.cpp,
// statements in jinja_parser.cpp.
#pragma once

#include <initializer_list>
#include <set>

#include "text/jinja_ast.h"

namespace hone::jinja {

class Parser {
 public:
  explicit Parser(std::vector<LexToken> tokens) : tokens_(std::move(tokens)) {}
  Block parse();

 private:
  // Guards every recursion of the grammar.
  struct Nest {
    explicit Nest(Parser& parser);
    ~Nest() { --parser_.nest_; }
    Parser& parser_;
  };
  using Names = std::initializer_list<std::string_view>;

  const LexToken& current() const { return tokens_[at_]; }
  const LexToken& look() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
  const LexToken& next() { return at_ + 1 < tokens_.size() ? tokens_[at_++] : tokens_[at_]; }
  bool is_op(std::string_view op) const { return current().kind == TokenKind::kOp && current().text == op; }
  bool is_name(std::string_view name) const {
    return current().kind == TokenKind::kName && current().text == name;
  }
  bool is_any_name(Names names) const;
  bool skip_op(std::string_view op);
  bool skip_name(std::string_view name);
  void expect_op(std::string_view op);
  void expect_tag_end();
  std::string expect_name();
  [[noreturn]] void unexpected(const std::string& wanted) const;

  ExprPtr node(ExprKind kind, Position at) const;
  ExprPtr node(ExprKind kind, Position at, ExprPtr a, ExprPtr b = nullptr) const;
  ExprPtr done(ExprPtr expr) const;

  ExprPtr expression();
  ExprPtr or_();
  ExprPtr and_();
  ExprPtr not_();
  ExprPtr comparison();
  ExprPtr sum();
  ExprPtr concatenation();
  ExprPtr product();
  ExprPtr power();
  ExprPtr unary(bool with_filter);
  ExprPtr primary(bool with_namespace = false);
  ExprPtr constant(Value value);
  ExprPtr string_literal();
  ExprPtr list_literal();
  ExprPtr dict_literal();
  ExprPtr postfix(ExprPtr expr);
  ExprPtr subscript(ExprPtr expr);
  ExprPtr slice_or_index(ExprPtr target, Position at);
  ExprPtr call(ExprPtr callee);
  void arguments(Expr& into);
  ExprPtr filters_and_tests(ExprPtr expr);
  ExprPtr filter(ExprPtr expr, bool bar_is_read);
  ExprPtr test(ExprPtr expr);
  // Comma-separated; one item without a comma is that item. `simple`: targets only.
  enum class TupleMode { kFull, kNoCondition, kTarget, kSetTarget };
  ExprPtr tuple(TupleMode mode, std::string_view end_name = {}, bool in_parentheses = false);
  ExprPtr target(TupleMode mode, std::string_view end_name = {});
  static void check_target(const Expr& expr);

  Block block_until(Names ends, bool drop_end);
  StmtPtr statement();
  StmtPtr if_();
  StmtPtr for_();
  StmtPtr set();
  StmtPtr macro();
  StmtPtr call_block();
  StmtPtr filter_block();
  StmtPtr with();
  void signature(Stmt& into);
  StmtPtr make(StmtKind kind, Position at) const;

  std::vector<LexToken> tokens_;
  size_t at_ = 0;
  int nest_ = 0;
  int loops_ = 0;                     // {% for %} around the current place, within the current macro
  std::set<std::string> names_used_;  // since the innermost macro began
};

}  // namespace hone::jinja
