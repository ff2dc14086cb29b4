// Arguments, function values, global functions.
#include "text/jinja_builtins.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "text/jinja_interp.h"
#include "text/jinja_ops.h"

namespace hone::jinja {

Params::Params(std::string_view function, Args& args, std::initializer_list<std::string_view> names,
               size_t required)
    : function_(function), values_(names.size(), nullptr) {
  if (args.positional.size() > names.size())
    raise("{}() takes at most {} arguments ({} given)", function, names.size(), args.positional.size());
  for (size_t i = 0; i < args.positional.size(); ++i) values_[i] = &args.positional[i];
  for (const auto& [name, value] : args.named) {
    const auto it = std::find(names.begin(), names.end(), name);
    if (it == names.end()) raise("{}() got an unexpected keyword argument '{}'", function, name);
    const auto i = static_cast<size_t>(it - names.begin());
    if (values_[i] != nullptr) raise("{}() got multiple values for argument '{}'", function, name);
    values_[i] = &value;
  }
  for (size_t i = 0; i < required; ++i)
    if (values_[i] == nullptr) raise("{}() missing required argument: '{}'", function, names.begin()[i]);
}

int64_t Params::integer(size_t i, int64_t fallback) const {
  if (!given(i)) return fallback;
  require_defined(*values_[i]);
  if (!values_[i]->is_int()) raise("{}(): got '{}', expected an integer", function_, type_name(*values_[i]));
  return values_[i]->as_int();
}

const Value& Params::text(size_t i) const {
  require_defined(*values_[i]);
  if (!values_[i]->is_string()) raise("{}(): got '{}', expected a string", function_, type_name(*values_[i]));
  return *values_[i];
}

namespace {

class Function : public Object {
 public:
  Function(std::string_view name, Builtin run, Value self) : name_(name), run_(run), self_(std::move(self)) {}
  std::string repr(Budget&) const override { return fmt::format("<function {}>", name_); }
  const char* type_name() const override { return "function"; }
  bool callable() const override { return true; }
  Value call(Interpreter& in, Args& args) override { return run_(in, self_, args); }

 private:
  std::string name_;
  Builtin run_;
  Value self_;
};

constexpr int64_t kMaxRange = 100'000;  // as in Jinja's sandbox

Value global_range(Interpreter& in, const Value&, Args& args) {
  const Params p("range", args, {"start", "stop", "step"}, 1);
  int64_t start = p.integer(0, 0), stop = p.integer(1, 0);
  const int64_t step = p.integer(2, 1);
  if (!p.given(1)) {
    stop = start;
    start = 0;
  }
  if (step == 0) raise("range() arg 3 must not be zero");
  auto out = std::make_shared<Seq>();
  out->kind = SeqKind::kRange;
  out->start = start;
  out->stop = stop;
  out->step = step;
  int64_t at = start;
  while (step > 0 ? at < stop : at > stop) {
    if (static_cast<int64_t>(out->items.size()) >= kMaxRange)
      fail(ErrorCode::kResourceExhausted, "range too big: at most {} items", kMaxRange);
    out->items.push_back(at);
    if (__builtin_add_overflow(at, step, &at)) break;
  }
  in.budget().take_bytes(out->items.size() * sizeof(Value));
  return SeqPtr(std::move(out));
}

Value global_namespace(Interpreter& in, const Value&, Args& args) {
  return make_namespace(in, args);
}

Value global_dict(Interpreter& in, const Value&, Args& args) {
  if (args.positional.size() > 1) raise("dict expected at most 1 argument, got {}", args.positional.size());
  Dict out;
  const auto put = [&](const Value& key, const Value& value) {
    for (auto& [k, v] : out.items) {
      if (!equals(k, key, in.budget())) continue;
      v = value;
      return;
    }
    dict_get(out, key, in.budget());  // complains about keys that cannot be
    out.items.emplace_back(key, value);
  };
  if (!args.positional.empty()) {
    const Value& from = args.positional[0];
    if (from.is_dict()) {
      out.items = from.dict().items;
    } else {
      for (const Value& pair : iterate(from, in.budget())) {
        const std::vector<Value> kv = iterate(pair, in.budget());
        if (kv.size() != 2)
          raise("dictionary update sequence element has length {}; 2 is required", kv.size());
        put(kv[0], kv[1]);
      }
    }
  }
  for (const auto& [name, value] : args.named) put(Value(name), value);
  return make_dict(in.budget(), std::move(out.items));
}

Value global_raise_exception(Interpreter& in, const Value&, Args& args) {
  const Params p("raise_exception", args, {"message"}, 1);
  const std::string message = to_str(*p.get(0), in.budget()).text;
  raise("the template refuses these messages: {}", message);
}

// Local time, or the moment that SOURCE_DATE_EPOCH names, in UTC: a template that writes the date makes other
// training data every day, which a run that is to be repeated can forbid.
std::tm time_now() {
  std::tm out{};
  const char* pinned = std::getenv("SOURCE_DATE_EPOCH");  // NOLINT(concurrency-mt-unsafe): nothing sets it
  if (pinned == nullptr || *pinned == '\0') {
    const std::time_t now = std::time(nullptr);
    localtime_r(&now, &out);
    return out;
  }
  std::time_t moment = 0;
  const char* const end = pinned + std::strlen(pinned);
  const auto [rest, error] = std::from_chars(pinned, end, moment);
  if (error != std::errc() || rest != end || gmtime_r(&moment, &out) == nullptr)
    raise("strftime_now: SOURCE_DATE_EPOCH: got '{}', expected seconds since 1970", pinned);
  return out;
}

Value global_strftime_now(Interpreter& in, const Value&, Args& args) {
  const Params p("strftime_now", args, {"format"}, 1);
  const std::string& format = p.text(0).text();
  const std::tm local = time_now();
  if (format.size() > 1024) raise("strftime_now: the format is longer than 1024 bytes");
  if (format.empty()) return Value(std::string());
  std::string out(16384, '\0');
  out.resize(std::strftime(out.data(), out.size(), format.c_str(), &local));
  StrBuilder checked(in.budget());
  checked.raw(out);
  return checked.finish_value();
}

// cycler('a', 'b').next() and joiner(', ')().
class Cycler : public Object, public std::enable_shared_from_this<Cycler> {
 public:
  explicit Cycler(std::vector<Value> items) : items_(std::move(items)) {}
  std::string repr(Budget&) const override { return "<Cycler>"; }
  const char* type_name() const override { return "Cycler"; }
  std::optional<Value> attribute(Interpreter&, std::string_view name) override {
    if (name == "current") return items_[at_];
    if (name == "next") return make_function("next", next, ObjectPtr(shared_from_this()));
    if (name == "reset") return make_function("reset", reset, ObjectPtr(shared_from_this()));
    return std::nullopt;
  }

 private:
  static Value next(Interpreter&, const Value& self, Args&) {
    auto& c = static_cast<Cycler&>(self.object());
    Value out = c.items_[c.at_];
    c.at_ = (c.at_ + 1) % c.items_.size();
    return out;
  }
  static Value reset(Interpreter&, const Value& self, Args&) {
    static_cast<Cycler&>(self.object()).at_ = 0;
    return None{};
  }
  std::vector<Value> items_;
  size_t at_ = 0;
};

class Joiner : public Object {
 public:
  explicit Joiner(Value separator) : separator_(std::move(separator)) {}
  std::string repr(Budget&) const override { return "<Joiner>"; }
  const char* type_name() const override { return "Joiner"; }
  bool callable() const override { return true; }
  Value call(Interpreter&, Args&) override {
    return std::exchange(used_, true) ? separator_ : Value(std::string());
  }

 private:
  Value separator_;
  bool used_ = false;
};

Value global_cycler(Interpreter& in, const Value&, Args& args) {
  if (args.positional.empty()) raise("at least one item has to be provided");
  in.budget().take_bytes(args.positional.size() * sizeof(Value));
  return ObjectPtr(std::make_shared<Cycler>(args.positional));
}

Value global_joiner(Interpreter&, const Value&, Args& args) {
  const Params p("joiner", args, {"sep"});
  return ObjectPtr(std::make_shared<Joiner>(p.value(0, Value(std::string(", ")))));
}

constexpr BuiltinEntry kGlobals[] = {
    {"range", global_range},
    {"namespace", global_namespace},
    {"dict", global_dict},
    {"raise_exception", global_raise_exception},
    {"strftime_now", global_strftime_now},
    {"cycler", global_cycler},
    {"joiner", global_joiner},
};

}  // namespace

const BuiltinEntry* find_global(std::string_view name) {
  for (const BuiltinEntry& g : kGlobals)
    if (g.name == name) return &g;
  return nullptr;
}

Value make_function(std::string_view name, Builtin run, Value self) {
  return ObjectPtr(std::make_shared<Function>(name, run, std::move(self)));
}

}  // namespace hone::jinja
