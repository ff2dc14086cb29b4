// What operators do to values: Python's arithmetic, slicing, membership and iteration.
#pragma once

#include "text/jinja_value.h"

namespace hone::jinja {

Value binary(std::string_view op, const Value& a, const Value& b, Budget& budget);  // + - * / // % **
Value negate(const Value& v);
Value plus(const Value& v);
bool compare_op(std::string_view op, const Value& a, const Value& b,
                Budget& budget);  // == != < <= > >= in, not in
bool contains(const Value& container, const Value& item, Budget& budget);
Value slice(const Value& v, const Value& start, const Value& stop, const Value& step, Budget& budget);
std::vector<Value> iterate(const Value& v, Budget& budget);  // raises when v is not iterable
size_t length(const Value& v, Budget& budget);
// v[key] of strings, sequences and dicts; nothing when Python raises IndexError, KeyError or TypeError.
std::optional<Value> item(const Value& v, const Value& key, Budget& budget);

[[noreturn]] void raise_undefined(const Value& v);
void require_defined(const Value& v);  // raises the undefined value's own reason

Value str_slice(const Str& s, size_t begin, size_t end, Budget& budget);         // bytes
Value percent_format(const Value& format, const Value& values, Budget& budget);  // jinja_format.cpp
// str.format(): jinja_format.cpp.
Value brace_format(Interpreter& in, const Value& format, Args& args);

}  // namespace hone::jinja
