// Statements.
#include "text/jinja_parser.h"

#include <algorithm>

#include "base/error.h"

namespace hone::jinja {

namespace {
constexpr int kMaxNesting = 120;
}

Parser::Nest::Nest(Parser& parser) : parser_(parser) {
  if (parser_.nest_ >= kMaxNesting)
    syntax_error(parser_.current().at, fmt::format("nested deeper than {} levels", kMaxNesting));
  ++parser_.nest_;
}

bool Parser::is_any_name(Names names) const {
  return current().kind == TokenKind::kName &&
         std::find(names.begin(), names.end(), current().text) != names.end();
}

bool Parser::skip_op(std::string_view op) {
  if (!is_op(op)) return false;
  next();
  return true;
}

bool Parser::skip_name(std::string_view name) {
  if (!is_name(name)) return false;
  next();
  return true;
}

void Parser::expect_op(std::string_view op) {
  if (!skip_op(op)) unexpected(fmt::format("'{}'", op));
}

void Parser::expect_tag_end() {
  if (current().kind != TokenKind::kTagEnd) unexpected("'%}'");
  next();
}

std::string Parser::expect_name() {
  if (current().kind != TokenKind::kName) unexpected("a name");
  return next().text;
}

void Parser::unexpected(const std::string& wanted) const {
  const LexToken& t = current();
  if (t.kind == TokenKind::kEnd) syntax_error(t.at, "got the end of the template, expected " + wanted);
  if (t.kind == TokenKind::kPrintEnd || t.kind == TokenKind::kTagEnd)
    syntax_error(t.at, "got the end of the tag, expected " + wanted);
  syntax_error(t.at, fmt::format("got '{}', expected {}", t.text, wanted));
}

StmtPtr Parser::make(StmtKind kind, Position at) const {
  auto out = std::make_unique<Stmt>();
  out->kind = kind;
  out->at = at;
  return out;
}

Block Parser::parse() {
  Block out = block_until({}, false);
  return out;
}

// Statements up to a tag that starts with one of `ends` (none: the end of the template). The end tag's name
// is the current token afterwards, unless dropped.
Block Parser::block_until(Names ends, bool drop_end) {
  const Nest nest(*this);
  if (ends.size() > 0) {
    skip_op(":");
    expect_tag_end();
  }
  Block out;
  for (;;) {
    const LexToken& t = next();
    if (t.kind == TokenKind::kText) {
      out.push_back(make(StmtKind::kText, t.at));
      out.back()->text = std::make_shared<const Str>(Str{t.text, {}});
    } else if (t.kind == TokenKind::kPrintBegin) {
      out.push_back(make(StmtKind::kPrint, t.at));
      out.back()->a = tuple(TupleMode::kFull);
      if (current().kind != TokenKind::kPrintEnd) unexpected("'}}'");
      next();
    } else if (t.kind == TokenKind::kTagBegin) {
      if (is_any_name(ends)) {
        if (drop_end) next();
        return out;
      }
      if (StmtPtr s = statement()) out.push_back(std::move(s));
      expect_tag_end();
    } else {
      if (ends.size() == 0 && t.kind == TokenKind::kEnd) return out;
      unexpected(ends.size() == 0 ? "a tag" : fmt::format("'{}'", *std::prev(ends.end())));
    }
  }
}

StmtPtr Parser::statement() {
  const LexToken& t = current();
  if (t.kind != TokenKind::kName) unexpected("a tag name");
  if (t.text == "if") return if_();
  if (t.text == "for") return for_();
  if (t.text == "set") return set();
  if (t.text == "macro") return macro();
  if (t.text == "call") return call_block();
  if (t.text == "filter") return filter_block();
  if (t.text == "with") return with();
  if (t.text == "break" || t.text == "continue") {
    if (loops_ == 0) syntax_error(t.at, fmt::format("'{}' outside of a loop", t.text));
    next();
    return make(t.text == "break" ? StmtKind::kBreak : StmtKind::kContinue, t.at);
  }
  if (t.text == "generation") {
    StmtPtr out = make(StmtKind::kScope, t.at);
    next();
    const int loops = std::exchange(loops_, 0);  // its body is a function of its own, as in transformers
    out->body = block_until({"endgeneration"}, true);
    loops_ = loops;
    return out;
  }
  if (t.text == "print") {
    StmtPtr out = make(StmtKind::kPrint, t.at);
    next();
    out->a = tuple(TupleMode::kFull);
    return out;
  }
  if (t.text.starts_with("end") || t.text == "else" || t.text == "elif")
    syntax_error(t.at, fmt::format("'{}' closes or continues nothing that is open here", t.text));
  fail(ErrorCode::kNotSupported, "chat template: line {}, column {}: unknown tag '{}'", t.at.line,
       t.at.column, t.text);
}

StmtPtr Parser::if_() {
  StmtPtr out = make(StmtKind::kIf, next().at);
  for (;;) {
    ExprPtr condition = tuple(TupleMode::kNoCondition);
    Block body = block_until({"elif", "else", "endif"}, false);
    out->branches.emplace_back(std::move(condition), std::move(body));
    const std::string word = next().text;
    if (word == "elif") continue;
    if (word == "else") out->otherwise = block_until({"endif"}, true);
    return out;
  }
}

StmtPtr Parser::for_() {
  StmtPtr out = make(StmtKind::kFor, next().at);
  out->a = target(TupleMode::kTarget, "in");
  if (!skip_name("in")) unexpected("'in'");
  out->b = tuple(TupleMode::kNoCondition, "recursive");
  if (skip_name("if")) out->c = expression();
  out->recursive = skip_name("recursive");
  ++loops_;
  out->body = block_until({"else", "endfor"}, false);
  --loops_;
  if (next().text == "else") out->otherwise = block_until({"endfor"}, true);
  return out;
}

StmtPtr Parser::set() {
  StmtPtr out = make(StmtKind::kSet, next().at);
  out->a = target(TupleMode::kSetTarget);
  if (skip_op("=")) {
    out->b = tuple(TupleMode::kFull);
    return out;
  }
  out->kind = StmtKind::kSetBlock;
  if (is_op("|")) out->b = filter(nullptr, false);
  out->body = block_until({"endset"}, true);
  return out;
}

void Parser::signature(Stmt& into) {
  expect_op("(");
  while (!is_op(")")) {
    if (!into.params.empty()) expect_op(",");
    Param param;
    const Position at = current().at;
    param.name = expect_name();
    if (skip_op("="))
      param.fallback = expression();
    else if (!into.params.empty() && into.params.back().fallback)
      syntax_error(at, "a parameter without default follows one with a default");
    into.params.push_back(std::move(param));
  }
  expect_op(")");
}

StmtPtr Parser::macro() {
  StmtPtr out = make(StmtKind::kMacro, next().at);
  out->name = expect_name();
  const int loops = std::exchange(loops_, 0);
  const std::set<std::string> outer = std::exchange(names_used_, {});
  signature(*out);
  out->body = block_until({"endmacro"}, true);
  loops_ = loops;
  out->uses_caller = names_used_.contains("caller");
  out->uses_varargs = names_used_.contains("varargs");
  out->uses_kwargs = names_used_.contains("kwargs");
  names_used_.insert(outer.begin(), outer.end());
  return out;
}

StmtPtr Parser::call_block() {
  StmtPtr out = make(StmtKind::kCallBlock, next().at);
  if (is_op("(")) signature(*out);
  out->a = expression();
  if (out->a->kind != ExprKind::kCall) syntax_error(out->at, "expected a call");
  const int loops = std::exchange(loops_, 0);
  out->body = block_until({"endcall"}, true);
  loops_ = loops;
  return out;
}

StmtPtr Parser::filter_block() {
  StmtPtr out = make(StmtKind::kFilterBlock, next().at);
  out->a = filter(nullptr, true);
  out->body = block_until({"endfilter"}, true);
  return out;
}

StmtPtr Parser::with() {
  StmtPtr out = make(StmtKind::kScope, next().at);
  while (current().kind != TokenKind::kTagEnd) {
    if (!out->assigns.empty()) expect_op(",");
    ExprPtr to = target(TupleMode::kTarget);
    expect_op("=");
    ExprPtr from = expression();
    out->assigns.emplace_back(std::move(to), std::move(from));
  }
  out->body = block_until({"endwith"}, true);
  return out;
}

Block parse_template(std::string_view source) {
  return Parser(tokenize(source)).parse();
}

}  // namespace hone::jinja
