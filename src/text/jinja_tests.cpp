// The tests of `x is …`, select() and reject(). (Unit tests are in *_test.cpp.)
#include "text/jinja_builtins.h"
#include "text/jinja_interp.h"
#include "text/jinja_ops.h"
#include "text/jinja_text.h"

namespace hone::jinja {
namespace {

using In = Interpreter;

Value t_defined(In&, const Value& v, Args&) {
  return !v.is_undefined();
}
Value t_undefined(In&, const Value& v, Args&) {
  return v.is_undefined();
}
Value t_none(In&, const Value& v, Args&) {
  return v.is_none();
}
Value t_string(In&, const Value& v, Args&) {
  return v.is_string();
}
Value t_number(In&, const Value& v, Args&) {
  return v.is_number();
}
Value t_integer(In&, const Value& v, Args&) {
  return v.is_int() && !v.is_bool();
}
Value t_float(In&, const Value& v, Args&) {
  return v.is_float();
}
Value t_boolean(In&, const Value& v, Args&) {
  return v.is_bool();
}
Value t_true(In&, const Value& v, Args&) {
  return v.is_bool() && v.as_bool();
}
Value t_false(In&, const Value& v, Args&) {
  return v.is_bool() && !v.as_bool();
}
Value t_mapping(In&, const Value& v, Args&) {
  return v.is_dict();
}
Value t_iterable(In&, const Value& v, Args&) {
  return v.is_undefined() || v.is_string() || v.is_dict() || v.is_seq();
}
Value t_callable(In&, const Value& v, Args&) {
  return v.is_object() && v.object().callable();
}
Value t_escaped(In&, const Value&, Args&) {
  return false;
}

Value t_sequence(In&, const Value& v, Args&) {
  if (v.is_seq()) return v.seq().kind != SeqKind::kView && v.seq().kind != SeqKind::kIterator;
  return v.is_undefined() || v.is_string() || v.is_dict();
}

Value remainder(In& in, const Value& v, const Value& by) {
  return binary("%", v, by, in.budget());
}
Value t_odd(In& in, const Value& v, Args&) {
  return equals(remainder(in, v, int64_t{2}), int64_t{1}, in.budget());
}
Value t_even(In& in, const Value& v, Args&) {
  return equals(remainder(in, v, int64_t{2}), int64_t{0}, in.budget());
}
Value t_divisibleby(In& in, const Value& v, Args& args) {
  const Params p("divisibleby", args, {"num"}, 1);
  return equals(remainder(in, v, *p.get(0)), int64_t{0}, in.budget());
}

Value t_lower(In& in, const Value& v, Args&) {
  Args none;
  return find_string_method("islower")(in, Value(to_str(v, in.budget()).text), none);
}
Value t_upper(In& in, const Value& v, Args&) {
  Args none;
  return find_string_method("isupper")(in, Value(to_str(v, in.budget()).text), none);
}

Value compared(In& in, const Value& v, Args& args, std::string_view op) {
  const Params p(op, args, {"other"}, 1);
  return compare_op(op, v, *p.get(0), in.budget());
}
Value t_eq(In& in, const Value& v, Args& args) {
  return compared(in, v, args, "==");
}
Value t_ne(In& in, const Value& v, Args& args) {
  return compared(in, v, args, "!=");
}
Value t_gt(In& in, const Value& v, Args& args) {
  return compared(in, v, args, ">");
}
Value t_ge(In& in, const Value& v, Args& args) {
  return compared(in, v, args, ">=");
}
Value t_lt(In& in, const Value& v, Args& args) {
  return compared(in, v, args, "<");
}
Value t_le(In& in, const Value& v, Args& args) {
  return compared(in, v, args, "<=");
}
Value t_in(In& in, const Value& v, Args& args) {
  return compared(in, v, args, "in");
}

Value t_sameas(In&, const Value& v, Args& args) {
  const Params p("sameas", args, {"other"}, 1);
  return v.same_object(*p.get(0));
}
Value t_filter(In&, const Value& v, Args&) {
  return v.is_string() && find_filter(v.text()) != nullptr;
}
Value t_test(In&, const Value& v, Args&) {
  return v.is_string() && find_test(v.text()) != nullptr;
}

constexpr BuiltinEntry kTests[] = {
    {"defined", t_defined},
    {"undefined", t_undefined},
    {"none", t_none},
    {"string", t_string},
    {"number", t_number},
    {"integer", t_integer},
    {"float", t_float},
    {"boolean", t_boolean},
    {"true", t_true},
    {"false", t_false},
    {"mapping", t_mapping},
    {"sequence", t_sequence},
    {"iterable", t_iterable},
    {"callable", t_callable},
    {"escaped", t_escaped},
    {"odd", t_odd},
    {"even", t_even},
    {"lower", t_lower},
    {"upper", t_upper},
    {"divisibleby", t_divisibleby},
    {"eq", t_eq},
    {"equalto", t_eq},
    {"==", t_eq},
    {"ne", t_ne},
    {"!=", t_ne},
    {"gt", t_gt},
    {"greaterthan", t_gt},
    {">", t_gt},
    {"ge", t_ge},
    {">=", t_ge},
    {"lt", t_lt},
    {"lessthan", t_lt},
    {"<", t_lt},
    {"le", t_le},
    {"<=", t_le},
    {"in", t_in},
    {"sameas", t_sameas},
    {"filter", t_filter},
    {"test", t_test},
};

}  // namespace

Builtin find_test(std::string_view name) {
  for (const BuiltinEntry& e : kTests)
    if (e.name == name) return e.run;
  return nullptr;
}

}  // namespace hone::jinja
