// The tables of everything a template can call: filters, tests, methods, global functions. One entry is a
// name and a function; the lists stand at the end of their .cpp files.
#pragma once

#include <initializer_list>
#include <string_view>

#include "text/jinja_value.h"

namespace hone::jinja {

using Builtin = Value (*)(Interpreter& in, const Value& self, Args& args);

struct BuiltinEntry {
  std::string_view name;
  Builtin run;
};

Builtin find_filter(std::string_view name);  // null when there is none
Builtin find_test(std::string_view name);    // gives a bool
Builtin find_string_method(std::string_view name);
Builtin find_method(const Value& self, std::string_view name);  // of any type
bool is_mutating_method(const Value& self, std::string_view name);
Builtin find_sequence_filter(std::string_view name);  // those of jinja_filters_seq.cpp
Builtin find_text_filter(std::string_view name);      // those of jinja_filters_text.cpp
const BuiltinEntry* find_global(std::string_view name);

Value make_function(std::string_view name, Builtin run, Value self = {});
Value make_namespace(Interpreter& in, Args& args);

// Arguments by position or name, as a Python signature takes them.
class Params {
 public:
  Params(std::string_view function, Args& args, std::initializer_list<std::string_view> names,
         size_t required = 0);
  const Value* get(size_t i) const { return values_[i]; }
  bool given(size_t i) const { return values_[i] != nullptr; }
  Value value(size_t i, Value fallback) const {
    if (given(i)) return *values_[i];
    return fallback;
  }
  bool flag(size_t i, bool fallback = false) const { return given(i) ? truth(*values_[i]) : fallback; }
  int64_t integer(size_t i, int64_t fallback) const;  // raises when it is no int
  const Value& text(size_t i) const;                  // raises when it is no string

 private:
  std::string_view function_;
  std::vector<const Value*> values_;
};

// The whole of str.strip() and friends: bytes [begin, end) that stay.
struct Kept {
  size_t begin, end;
};
Kept strip(std::string_view s, const Value* chars, bool left, bool right, Budget& budget);
// As std::string's, in time that is linear even for hostile input, and paid for.
size_t find_text(std::string_view s, std::string_view what, size_t from, Budget& budget);
size_t find_last_text(std::string_view s, std::string_view what, Budget& budget);
Value change_case(const Str& s, std::string (*change)(int32_t), Budget& budget);
Value capitalize(const Str& s, Budget& budget);
Value replace(const Str& s, const Str& from, const Str& to, int64_t count, Budget& budget);
std::vector<Value> split_lines(const Str& s, bool keep_ends, Budget& budget);
// Python's int() and float() of a string; nothing when it is no number.
std::optional<int64_t> parse_int(std::string_view s, int base);
std::optional<double> parse_float(std::string_view s);

}  // namespace hone::jinja
