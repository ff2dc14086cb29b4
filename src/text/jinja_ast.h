// The parsed template: expressions and statements. Immutable after parsing; shared by renderings on any
// thread.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "text/jinja_lexer.h"
#include "text/jinja_value.h"

namespace hone::jinja {

inline constexpr int kMaxExprDepth = 400;

enum class ExprKind : uint8_t {
  kConst,         // value
  kName,          // name
  kNamespaceRef,  // name.attribute as a target of `set`
  kList,          // kids
  kTuple,         // kids
  kDict,          // kids: key, value, key, value …
  kCondition,     // kids: test, then, else (or null)
  kOr,            // kids: two
  kAnd,           // kids: two
  kNot,           // kids: one
  kNegate,        // kids: one
  kPlus,          // kids: one
  kBinary,        // name is the operator; kids: two
  kConcat,        // kids joined by ~
  kCompare,       // kids: n + 1; operators: n
  kAttribute,     // kids[0].name
  kSubscript,     // kids[0][kids[1]]
  kSlice,         // kids[0][kids[1]:kids[2]:kids[3]], parts may be null
  kCall,          // kids[0](kids[1…], named, *star, **double_star)
  kFilter,        // kids[0] (null inside {% filter %}) | name(kids[1…], …)
  kTest,          // kids[0] is name(kids[1…], …)
};

struct Expr;
using ExprPtr = std::unique_ptr<Expr>;

struct Expr {
  ExprKind kind;
  Position at;
  int depth = 1;
  std::string name;       // kNamespaceRef: the namespace
  std::string attribute;  // kNamespaceRef only
  Value value;
  std::vector<ExprPtr> kids;
  std::vector<std::pair<std::string, ExprPtr>> named;
  ExprPtr star, double_star;
  std::vector<std::string> operators;
};

enum class StmtKind : uint8_t {
  kText,   // text
  kPrint,  // a
  kIf,     // branches, otherwise
  kFor,    // target a in b (if c): body, otherwise
  kBreak,
  kContinue,
  kSet,          // a = b
  kSetBlock,     // a = body, through filter b (or null)
  kMacro,        // name, params, body
  kCallBlock,    // params, call a, body
  kFilterBlock,  // filter a over body
  kScope,        // body in a scope of its own: {% generation %}, {% with %}
};

struct Stmt;
using StmtPtr = std::unique_ptr<Stmt>;
using Block = std::vector<StmtPtr>;

struct Param {
  std::string name;
  ExprPtr fallback;  // or null
};

struct Stmt {
  StmtKind kind;
  Position at;
  StrPtr text;
  std::string name;
  ExprPtr a, b, c;
  std::vector<std::pair<ExprPtr, Block>> branches;
  std::vector<std::pair<ExprPtr, ExprPtr>> assigns;  // of {% with %}
  std::vector<Param> params;
  bool uses_caller = false, uses_varargs = false, uses_kwargs = false;  // by a macro's body
  bool recursive = false;
  Block body, otherwise;
};

Block parse_template(std::string_view source);

}  // namespace hone::jinja
