// Values of the template language: Python's, as far as chat templates can see them. Strings know which of
// their bytes came from an assistant message's content. Immutable once built, but for namespaces and
// iterators. Not here: what the values can do (jinja_ops.h, jinja_builtins.h).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.h"

namespace hone::jinja {

class Interpreter;
class Value;

// What one rendering may use up, so that a hostile template ends with an error and not with the machine.
class Budget {
 public:
  static constexpr size_t kMaxStringBytes = 64u << 20;
  static constexpr size_t kMaxDepth = 100;  // of lists in lists

  void step(uint64_t n = 1) {
    if (n > steps_) exhausted("it runs too long");
    steps_ -= n;
  }
  // Memory asked for, objects with what holds them; never given back, so it also bounds the time spent
  // copying.
  void take_bytes(uint64_t n) {
    if (n > bytes_) exhausted("it uses too much memory");
    bytes_ -= n;
    step(n / 64);
  }

  // Guards recursion through objects that can hold themselves.
  struct Nested {
    explicit Nested(Budget& budget) : budget_(budget) {
      if (++budget_.nested_ > 16) exhausted("objects are nested too deep to print");
    }
    ~Nested() { --budget_.nested_; }
    Budget& budget_;
  };

 private:
  [[noreturn]] static void exhausted(const char* what);
  int nested_ = 0;
  uint64_t steps_ = 50'000'000;
  uint64_t bytes_ = 512u << 20;
};

// A run-time fault of the template or of the messages given to it; the interpreter adds line and column.
template <typename... Args>
[[noreturn]] void raise(fmt::format_string<Args...> format, Args&&... args) {
  throw Error(ErrorCode::kInvalidArgument, fmt::format(format, std::forward<Args>(args)...));
}

// Bytes [begin, end) of a string that are content of an assistant message.
struct Origin {
  size_t begin, end;
  size_t message;
};

struct Str {
  std::string text;
  std::vector<Origin> origins;  // in order, disjoint
};
using StrPtr = std::shared_ptr<const Str>;

// The one way to make a string out of others: keeps origins and pays the budget.
class StrBuilder {
 public:
  explicit StrBuilder(Budget& budget) : budget_(budget) {}
  void raw(std::string_view text);
  void part(const Str& source, size_t begin, size_t end);
  void all(const Str& source) { part(source, 0, source.text.size()); }
  void mapped(const Str& source, size_t at,
              std::string_view text);  // `text` stands for the character at `at`
  size_t size() const { return out_.text.size(); }
  Str finish() { return std::move(out_); }
  Value finish_value();

 private:
  void reserve(size_t n);
  void add_origin(size_t begin, size_t end, size_t message);
  Budget& budget_;
  Str out_;
};

struct Undefined {
  std::shared_ptr<const std::string> why;
};
struct None {};

// Things with behaviour: functions, macros, namespaces, the loop variable.
struct Args;
class Object {
 public:
  virtual ~Object() = default;
  virtual std::string repr(Budget& budget) const = 0;
  virtual const char* type_name() const = 0;
  virtual bool callable() const { return false; }
  virtual Value call(Interpreter& in, Args& args);
  virtual std::optional<Value> attribute(Interpreter& in, std::string_view name);
};

struct Seq;
struct Dict;
using SeqPtr = std::shared_ptr<const Seq>;
using DictPtr = std::shared_ptr<const Dict>;
using ObjectPtr = std::shared_ptr<Object>;

class Value {
 public:
  Value() = default;  // undefined without a reason
  Value(Undefined u) : v_(std::move(u)) {}
  Value(None) : v_(None{}) {}
  Value(bool b) : v_(b) {}
  Value(int64_t i) : v_(i) {}
  Value(double d) : v_(d) {}
  Value(StrPtr s) : v_(std::move(s)) {}
  Value(SeqPtr s) : v_(std::move(s)) {}
  Value(DictPtr d) : v_(std::move(d)) {}
  Value(ObjectPtr o) : v_(std::move(o)) {}
  explicit Value(std::string s) : v_(std::make_shared<const Str>(Str{std::move(s), {}})) {}
  Value(const void*) = delete;

  bool is_undefined() const { return std::holds_alternative<Undefined>(v_); }
  bool is_none() const { return std::holds_alternative<None>(v_); }
  bool is_bool() const { return std::holds_alternative<bool>(v_); }
  bool is_int() const {
    return std::holds_alternative<int64_t>(v_) || is_bool();
  }  // as Python: bool is an int
  bool is_float() const { return std::holds_alternative<double>(v_); }
  bool is_number() const { return is_int() || is_float(); }
  bool is_string() const { return std::holds_alternative<StrPtr>(v_); }
  bool is_seq() const { return std::holds_alternative<SeqPtr>(v_); }
  bool is_dict() const { return std::holds_alternative<DictPtr>(v_); }
  bool is_object() const { return std::holds_alternative<ObjectPtr>(v_); }

  int64_t as_int() const { return is_bool() ? std::get<bool>(v_) : std::get<int64_t>(v_); }
  bool as_bool() const { return std::get<bool>(v_); }
  double as_float() const { return is_float() ? std::get<double>(v_) : static_cast<double>(as_int()); }
  const Str& str() const { return *std::get<StrPtr>(v_); }
  const std::string& text() const { return str().text; }
  const Seq& seq() const { return *std::get<SeqPtr>(v_); }
  const Dict& dict() const { return *std::get<DictPtr>(v_); }
  Object& object() const { return *std::get<ObjectPtr>(v_); }
  const ObjectPtr& object_ptr() const { return std::get<ObjectPtr>(v_); }
  const Undefined& undefined() const { return std::get<Undefined>(v_); }

  bool same_object(const Value& other) const;  // Python's `is`, as near as values that are copied allow

 private:
  std::variant<Undefined, None, bool, int64_t, double, StrPtr, SeqPtr, DictPtr, ObjectPtr> v_;
};

enum class SeqKind : uint8_t { kList, kTuple, kRange, kView, kIterator };

struct Seq {
  SeqKind kind = SeqKind::kList;
  std::vector<Value> items;
  const char* label = "";                 // of views and iterators: "dict_items", "generator", …
  size_t depth = 1;                       // longest way down to a leaf
  int64_t start = 0, stop = 0, step = 1;  // of a range
  mutable bool consumed = false;          // iterators give their items once
};

struct Dict {
  std::vector<std::pair<Value, Value>> items;  // in order of insertion
  size_t depth = 1;

  const Value* find(std::string_view key) const;
};

struct Args {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;
};

Value make_undefined(std::string why);
Value make_seq(Budget& budget, std::vector<Value> items, SeqKind kind = SeqKind::kList,
               const char* label = "");
Value make_dict(Budget& budget, std::vector<std::pair<Value, Value>> items);  // keys are already distinct

const char* type_name(const Value& v);
bool truth(const Value& v);
bool equals(const Value& a, const Value& b, Budget& budget);
// <0, 0, >0; raises when Python has no order for the two. `op` is for the message.
int compare(const Value& a, const Value& b, Budget& budget, const char* op = "<");
const Value* dict_get(const Dict& dict, const Value& key,
                      Budget& budget);  // raises when the key is unhashable

// str(v), repr(v) as Python prints them.
Str to_str(const Value& v, Budget& budget);
void append_str(StrBuilder& out, const Value& v, Budget& budget);
std::string repr(const Value& v, Budget& budget);
std::string float_repr(double v);

struct JsonStyle {
  bool ascii = false, sort_keys = false;
  std::optional<std::string> indent;
  std::string item_separator = ", ", key_separator = ": ";
};
std::string to_json(const Value& v, const JsonStyle& style, Budget& budget);

}  // namespace hone::jinja
