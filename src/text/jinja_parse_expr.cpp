// Expressions, in the order of precedence of Jinja (lowest first).
#include <algorithm>
#include <array>

#include "text/jinja_builtins.h"
#include "text/jinja_parser.h"

namespace hone::jinja {

ExprPtr Parser::node(ExprKind kind, Position at) const {
  auto out = std::make_unique<Expr>();
  out->kind = kind;
  out->at = at;
  return out;
}

ExprPtr Parser::node(ExprKind kind, Position at, ExprPtr a, ExprPtr b) const {
  ExprPtr out = node(kind, at);
  out->kids.push_back(std::move(a));
  if (b) out->kids.push_back(std::move(b));
  return done(std::move(out));
}

// Long chains nest to the left without nesting in the grammar, and evaluation recurses over them.
ExprPtr Parser::done(ExprPtr expr) const {
  int depth = 0;
  for (const ExprPtr& kid : expr->kids)
    if (kid) depth = std::max(depth, kid->depth);
  for (const auto& [name, kid] : expr->named) depth = std::max(depth, kid->depth);
  for (const Expr* kid : {expr->star.get(), expr->double_star.get()})
    if (kid != nullptr) depth = std::max(depth, kid->depth);
  expr->depth = depth + 1;
  if (expr->depth > kMaxExprDepth)
    syntax_error(expr->at, fmt::format("an expression is nested deeper than {} levels", kMaxExprDepth));
  return expr;
}

ExprPtr Parser::expression() {
  const Nest nest(*this);
  ExprPtr out = or_();
  while (is_name("if")) {
    const Position at = next().at;
    ExprPtr condition = node(ExprKind::kCondition, at, or_(), std::move(out));
    condition->kids.push_back(skip_name("else") ? expression() : nullptr);
    out = done(std::move(condition));
  }
  return out;
}

ExprPtr Parser::or_() {
  ExprPtr out = and_();
  while (is_name("or")) {
    const Position at = next().at;
    out = node(ExprKind::kOr, at, std::move(out), and_());
  }
  return out;
}

ExprPtr Parser::and_() {
  ExprPtr out = not_();
  while (is_name("and")) {
    const Position at = next().at;
    out = node(ExprKind::kAnd, at, std::move(out), not_());
  }
  return out;
}

ExprPtr Parser::not_() {
  if (!is_name("not")) return comparison();
  const Nest nest(*this);
  const Position at = next().at;
  return node(ExprKind::kNot, at, not_());
}

ExprPtr Parser::comparison() {
  static constexpr std::array<std::string_view, 6> kOps = {"==", "!=", ">", ">=", "<", "<="};
  const Position at = current().at;
  ExprPtr out, first = sum();
  for (;;) {
    std::string op;
    if (current().kind == TokenKind::kOp &&
        std::find(kOps.begin(), kOps.end(), current().text) != kOps.end()) {
      op = next().text;
    } else if (skip_name("in")) {
      op = "in";
    } else if (is_name("not") && look().kind == TokenKind::kName && look().text == "in") {
      next();
      next();
      op = "not in";
    } else {
      return out ? done(std::move(out)) : std::move(first);
    }
    if (!out) {
      out = node(ExprKind::kCompare, at);
      out->kids.push_back(std::move(first));
    }
    out->operators.push_back(std::move(op));
    out->kids.push_back(sum());
  }
}

ExprPtr Parser::sum() {
  ExprPtr out = concatenation();
  while (is_op("+") || is_op("-")) {
    const LexToken& op = next();
    out = node(ExprKind::kBinary, op.at, std::move(out), concatenation());
    out->name = op.text;
  }
  return out;
}

ExprPtr Parser::concatenation() {
  ExprPtr first = product();
  if (!is_op("~")) return first;
  ExprPtr out = node(ExprKind::kConcat, current().at);
  out->kids.push_back(std::move(first));
  while (skip_op("~")) out->kids.push_back(product());
  return done(std::move(out));
}

ExprPtr Parser::product() {
  ExprPtr out = power();
  while (is_op("*") || is_op("/") || is_op("//") || is_op("%")) {
    const LexToken& op = next();
    out = node(ExprKind::kBinary, op.at, std::move(out), power());
    out->name = op.text;
  }
  return out;
}

ExprPtr Parser::power() {
  ExprPtr out = unary(true);
  while (is_op("**")) {
    const LexToken& op = next();
    out = node(ExprKind::kBinary, op.at, std::move(out), unary(true));
    out->name = op.text;
  }
  return out;
}

ExprPtr Parser::unary(bool with_filter) {
  ExprPtr out;
  if (is_op("-") || is_op("+")) {
    const Nest nest(*this);
    const ExprKind kind = is_op("-") ? ExprKind::kNegate : ExprKind::kPlus;
    const Position at = next().at;
    out = node(kind, at, unary(false));
  } else {
    out = primary();
  }
  out = postfix(std::move(out));
  return with_filter ? filters_and_tests(std::move(out)) : std::move(out);
}

ExprPtr Parser::constant(Value value) {
  ExprPtr out = node(ExprKind::kConst, next().at);
  out->value = std::move(value);
  return out;
}

ExprPtr Parser::primary(bool with_namespace) {
  const LexToken& t = current();
  if (t.kind == TokenKind::kInt) return constant(t.integer);
  if (t.kind == TokenKind::kFloat) return constant(t.number);
  if (t.kind == TokenKind::kString) return string_literal();
  if (is_op("[")) return list_literal();
  if (is_op("{")) return dict_literal();
  if (skip_op("(")) {
    ExprPtr out = tuple(TupleMode::kFull, {}, true);
    expect_op(")");
    return out;
  }
  if (t.kind != TokenKind::kName) unexpected("an expression");
  if (t.text == "true" || t.text == "True") return constant(true);
  if (t.text == "false" || t.text == "False") return constant(false);
  if (t.text == "none" || t.text == "None") return constant(None{});
  ExprPtr out = node(ExprKind::kName, t.at);
  out->name = next().text;
  names_used_.insert(out->name);
  if (with_namespace && skip_op(".")) {
    out->kind = ExprKind::kNamespaceRef;
    out->attribute = expect_name();
  }
  return out;
}

ExprPtr Parser::string_literal() {
  ExprPtr out = node(ExprKind::kConst, current().at);
  std::string text;
  while (current().kind == TokenKind::kString) text += next().text;
  out->value = Value(std::move(text));
  return out;
}

ExprPtr Parser::list_literal() {
  ExprPtr out = node(ExprKind::kList, next().at);
  while (!is_op("]")) {
    if (!out->kids.empty()) expect_op(",");
    if (is_op("]")) break;
    out->kids.push_back(expression());
  }
  expect_op("]");
  return done(std::move(out));
}

ExprPtr Parser::dict_literal() {
  ExprPtr out = node(ExprKind::kDict, next().at);
  while (!is_op("}")) {
    if (!out->kids.empty()) expect_op(",");
    if (is_op("}")) break;
    out->kids.push_back(expression());
    expect_op(":");
    out->kids.push_back(expression());
  }
  expect_op("}");
  return done(std::move(out));
}

ExprPtr Parser::tuple(TupleMode mode, std::string_view end_name, bool in_parentheses) {
  const Position at = current().at;
  std::vector<ExprPtr> items;
  bool is_tuple = false;
  for (;;) {
    const TokenKind kind = current().kind;
    if (kind == TokenKind::kPrintEnd || kind == TokenKind::kTagEnd || is_op(")")) break;
    if (!end_name.empty() && is_name(end_name)) break;
    switch (mode) {
      case TupleMode::kFull:
        items.push_back(expression());
        break;
      case TupleMode::kNoCondition:
        items.push_back(or_());
        break;
      case TupleMode::kTarget:
        items.push_back(primary(false));
        break;
      case TupleMode::kSetTarget:
        items.push_back(primary(true));
        break;
    }
    if (!skip_op(",")) break;
    is_tuple = true;
  }
  if (!is_tuple) {
    if (items.size() == 1) return std::move(items[0]);
    if (!in_parentheses) unexpected("an expression");
  }
  ExprPtr out = node(ExprKind::kTuple, at);
  out->kids = std::move(items);
  return done(std::move(out));
}

ExprPtr Parser::target(TupleMode mode, std::string_view end_name) {
  ExprPtr out = tuple(mode, end_name);
  check_target(*out);
  return out;
}

void Parser::check_target(const Expr& expr) {
  if (expr.kind == ExprKind::kName || expr.kind == ExprKind::kNamespaceRef) return;
  if (expr.kind != ExprKind::kTuple) syntax_error(expr.at, "cannot assign to this");
  for (const ExprPtr& kid : expr.kids) check_target(*kid);
}

ExprPtr Parser::postfix(ExprPtr expr) {
  for (;;) {
    if (is_op(".") || is_op("["))
      expr = subscript(std::move(expr));
    else if (is_op("("))
      expr = call(std::move(expr));
    else
      return expr;
  }
}

ExprPtr Parser::subscript(ExprPtr expr) {
  const LexToken& op = next();
  if (op.text == ".") {
    const LexToken& t = next();
    if (t.kind == TokenKind::kName) {
      ExprPtr out = node(ExprKind::kAttribute, op.at, std::move(expr));
      out->name = t.text;
      return out;
    }
    if (t.kind != TokenKind::kInt) syntax_error(t.at, "expected a name or number after '.'");
    ExprPtr index = node(ExprKind::kConst, t.at);
    index->value = t.integer;
    return node(ExprKind::kSubscript, op.at, std::move(expr), std::move(index));
  }
  ExprPtr out = slice_or_index(std::move(expr), op.at);
  expect_op("]");
  return out;
}

ExprPtr Parser::slice_or_index(ExprPtr target, Position at) {
  ExprPtr first = is_op(":") ? nullptr : expression();
  if (!is_op(":")) {
    if (!is_op(",")) return node(ExprKind::kSubscript, at, std::move(target), std::move(first));
    ExprPtr key = node(ExprKind::kTuple, at, std::move(first));
    while (skip_op(",")) key->kids.push_back(expression());
    return node(ExprKind::kSubscript, at, std::move(target), done(std::move(key)));
  }
  ExprPtr out = node(ExprKind::kSlice, at);
  out->kids.push_back(std::move(target));
  out->kids.push_back(std::move(first));
  for (int part = 0; part < 2; ++part) {
    out->kids.push_back(skip_op(":") && !is_op("]") && !is_op(":") ? expression() : nullptr);
  }
  return done(std::move(out));
}

ExprPtr Parser::call(ExprPtr callee) {
  ExprPtr out = node(ExprKind::kCall, current().at, std::move(callee));
  arguments(*out);
  return done(std::move(out));
}

void Parser::arguments(Expr& into) {
  expect_op("(");
  for (bool first = true; !is_op(")"); first = false) {
    if (!first) expect_op(",");
    if (is_op(")")) break;
    const Position at = current().at;
    const bool has_named = !into.named.empty() || into.double_star;
    if (skip_op("*")) {
      if (into.star || into.double_star) syntax_error(at, "invalid syntax for function call expression");
      into.star = expression();
    } else if (skip_op("**")) {
      if (into.double_star) syntax_error(at, "invalid syntax for function call expression");
      into.double_star = expression();
    } else if (current().kind == TokenKind::kName && look().kind == TokenKind::kOp && look().text == "=") {
      if (into.double_star) syntax_error(at, "invalid syntax for function call expression");
      std::string name = next().text;
      next();
      into.named.emplace_back(std::move(name), expression());
    } else {
      if (has_named || into.star) syntax_error(at, "a positional argument follows a named one");
      into.kids.push_back(expression());
    }
  }
  expect_op(")");
}

ExprPtr Parser::filters_and_tests(ExprPtr expr) {
  for (;;) {
    if (is_op("|"))
      expr = filter(std::move(expr), false);
    else if (is_name("is"))
      expr = test(std::move(expr));
    else if (is_op("("))
      expr = call(std::move(expr));
    else
      return expr;
  }
}

ExprPtr Parser::filter(ExprPtr expr, bool bar_is_read) {
  while (bar_is_read || is_op("|")) {
    if (!bar_is_read) next();
    bar_is_read = false;
    const Position at = current().at;
    ExprPtr out = node(ExprKind::kFilter, at);
    out->name = expect_name();
    while (skip_op(".")) out->name += "." + expect_name();
    if (find_filter(out->name) == nullptr)
      fail(ErrorCode::kNotSupported, "chat template: line {}, column {}: unknown filter '{}'", at.line,
           at.column, out->name);
    out->kids.push_back(std::move(expr));
    if (is_op("(")) arguments(*out);
    expr = done(std::move(out));
  }
  return expr;
}

ExprPtr Parser::test(ExprPtr expr) {
  const Position is_at = next().at;
  const bool negated = skip_name("not");
  const Position at = current().at;
  ExprPtr out = node(ExprKind::kTest, at);
  out->name = expect_name();
  while (skip_op(".")) out->name += "." + expect_name();
  if (find_test(out->name) == nullptr)
    fail(ErrorCode::kNotSupported, "chat template: line {}, column {}: unknown test '{}'", at.line, at.column,
         out->name);
  out->kids.push_back(std::move(expr));
  const TokenKind kind = current().kind;
  const bool operand = kind == TokenKind::kString || kind == TokenKind::kInt || kind == TokenKind::kFloat ||
                       is_op("[") || is_op("{") ||
                       (kind == TokenKind::kName && !is_any_name({"else", "or", "and"}));
  if (is_op("(")) {
    arguments(*out);
  } else if (operand) {
    if (is_name("is")) syntax_error(current().at, "cannot chain tests with 'is'");
    out->kids.push_back(postfix(primary()));
  }
  out = done(std::move(out));
  return negated ? node(ExprKind::kNot, is_at, std::move(out)) : std::move(out);
}

}  // namespace hone::jinja
