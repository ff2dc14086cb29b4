// The only file that knows TOML.
#include "pipeline/recipe.h"

#define TOML_EXCEPTIONS 1
// Recipes such as "[[[" break an assertion of the library (3.3), which has an error message behind it.
#define TOML_ASSERT(condition) static_assert(true)
#include <toml++/toml.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>
#include <sstream>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/memory.h"
#include "formats/format.h"
#include "pipeline/recipe_text.h"
#include "pipeline/suggest.h"
#include "quantize/mix_list.h"
#include "tune/schedule.h"

namespace hone {
namespace {

std::string where(const std::string& file, const toml::source_region& source) {
  return fmt::format("{}:{}:{}", file, source.begin.line, source.begin.column);
}

std::string type_text(const toml::node& node) {
  std::ostringstream out;
  out << node.type();
  return out.str();
}

// One value of the recipe with the place it stands at.
class Value {
 public:
  Value(const toml::node& node, std::string file, std::string key)
      : node_(node), file_(std::move(file)), key_(std::move(key)) {}

  [[noreturn]] void wrong(const std::string& expected) const {
    std::ostringstream got;
    if (node_.is_value()) node_.visit([&](const auto& v) { got << v; });
    fail(ErrorCode::kInvalidArgument, "{}: {}: got {} {}, expected {}", where(file_, node_.source()), key_,
         type_text(node_), got.str(), expected);
  }

  std::string text() const {
    if (!node_.is_string()) wrong("a string");
    return node_.as_string()->get();
  }

  bool boolean() const {
    if (!node_.is_boolean()) wrong("true or false");
    return node_.as_boolean()->get();
  }

  uint64_t integer(uint64_t low, uint64_t high) const {
    const std::string expected = fmt::format("a whole number from {} to {}", low, high);
    if (!node_.is_integer()) wrong(expected);
    const int64_t value = node_.as_integer()->get();
    if (value < 0 || static_cast<uint64_t>(value) < low || static_cast<uint64_t>(value) > high)
      wrong(expected);
    return static_cast<uint64_t>(value);
  }

  double number(double low, double high) const {
    const std::string expected = fmt::format("a number from {} to {}", low, high);
    if (!node_.is_number()) wrong(expected);
    const double value = node_.is_integer() ? static_cast<double>(node_.as_integer()->get())
                                            : node_.as_floating_point()->get();
    if (!std::isfinite(value) || value < low || value > high) wrong(expected);
    return value;
  }

  // "6.5GB".
  uint64_t bytes() const {
    return parse_bytes(fmt::format("{}: {}", where(file_, node_.source()), key_), text());
  }

  std::string one_of(const std::vector<std::string>& known) const {
    std::string value = text();
    if (std::find(known.begin(), known.end(), value) == known.end())
      fail(ErrorCode::kInvalidArgument, "{}: {}: unknown value \"{}\"{}", where(file_, node_.source()), key_,
           value, suggestion(value, known));
    return value;
  }

  // known: empty = any string.
  std::vector<std::string> list(const std::vector<std::string>& known = {}) const {
    if (!node_.is_array()) wrong("a list of strings");
    std::vector<std::string> out;
    for (const toml::node& item : *node_.as_array()) {
      const Value entry(item, file_, key_);
      const std::string value = known.empty() ? entry.text() : entry.one_of(known);
      if (std::find(out.begin(), out.end(), value) != out.end())
        fail(ErrorCode::kInvalidArgument, "{}: {}: \"{}\" stands twice", where(file_, item.source()), key_,
             value);
      out.push_back(value);
    }
    return out;
  }

  // A file that must exist, relative to the recipe.
  std::filesystem::path file(const Recipe& recipe) const {
    const std::filesystem::path path = recipe.path.parent_path() / text();
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error))
      fail(ErrorCode::kNotFound, "{}: {}: no file at {}", where(file_, node_.source()), key_, path.string());
    return path.lexically_normal();
  }

 private:
  const toml::node& node_;
  std::string file_, key_;
};

// What [quantize] to can name.
std::vector<std::string> mix_names() {
  std::vector<std::string> names;
  for (const Mix& mix : all_mixes())
    if (format_of(mix.base).quantized) names.emplace_back(mix.name);
  return names;
}

template <typename Rows>
std::vector<std::string> names_of(const Rows& rows) {
  std::vector<std::string> names;
  for (const auto& row : rows) {
    if constexpr (std::is_pointer_v<std::decay_t<decltype(row)>>)
      names.emplace_back(row->name);
    else
      names.emplace_back(row.name);
  }
  return names;
}

struct Key {
  std::string_view section, key;
  bool required;
  void (*read)(const Value& value, Recipe& recipe);
};

// Every key a recipe may have.
constexpr Key kKeys[] = {
    {"run", "name", true,
     [](const Value& v, Recipe& r) {
       r.name = v.text();
       const auto plain = [](char c) {
         return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_';
       };
       if (r.name.empty() || r.name.size() > 100 || !std::all_of(r.name.begin(), r.name.end(), plain))
         v.wrong("1 to 100 letters, digits, - or _");
     }},
    {"run", "output", false,
     [](const Value& v, Recipe& r) { r.output = (r.path.parent_path() / v.text()).lexically_normal(); }},
    {"run", "seed", false, [](const Value& v, Recipe& r) { r.seed = v.integer(0, INT64_MAX); }},
    {"model", "base", true,
     [](const Value& v, Recipe& r) {
       r.base = v.text();
       if (r.base.empty()) v.wrong("a file, a folder or a name in the model store");
       std::error_code error;
       const std::filesystem::path beside = r.path.parent_path() / r.base;
       if (std::filesystem::exists(beside, error)) r.base = beside.lexically_normal().string();
     }},
    {"data", "train", true, [](const Value& v, Recipe& r) { r.train = v.file(r); }},
    {"data", "valid", false, [](const Value& v, Recipe& r) { r.valid = v.file(r); }},
    {"data", "test", true, [](const Value& v, Recipe& r) { r.test = v.file(r); }},
    {"data", "note", false, [](const Value& v, Recipe& r) { r.data_note = v.text(); }},
    {"data", "max_length", false, [](const Value& v, Recipe& r) { r.max_length = v.integer(16, 1 << 20); }},
    {"tune", "method", false,
     [](const Value& v, Recipe& r) { r.tune.adapter.kind = v.one_of(names_of(all_adapter_kinds())); }},
    {"tune", "rank", false, [](const Value& v, Recipe& r) { r.tune.adapter.rank = v.integer(1, 1024); }},
    {"tune", "alpha", false, [](const Value& v, Recipe& r) { r.tune.adapter.alpha = v.number(1e-3, 1e5); }},
    {"tune", "dropout", false, [](const Value& v, Recipe& r) { r.tune.adapter.dropout = v.number(0, 0.95); }},
    {"tune", "targets", false, [](const Value& v, Recipe& r) { r.tune.adapter.targets = v.list(); }},
    {"tune", "lr", false, [](const Value& v, Recipe& r) { r.tune.lr = v.number(0, 1); }},
    {"tune", "schedule", false,
     [](const Value& v, Recipe& r) { r.tune.schedule = v.one_of(names_of(all_schedules())); }},
    {"tune", "warmup_ratio", false, [](const Value& v, Recipe& r) { r.tune.warmup_ratio = v.number(0, 1); }},
    {"tune", "weight_decay", false, [](const Value& v, Recipe& r) { r.tune.weight_decay = v.number(0, 1); }},
    {"tune", "clip", false, [](const Value& v, Recipe& r) { r.tune.clip = v.number(0, 1e6); }},
    {"tune", "tokens", false, [](const Value& v, Recipe& r) { r.tune.tokens = v.integer(1, 1ull << 50); }},
    {"tune", "epochs", false, [](const Value& v, Recipe& r) { r.tune.epochs = v.number(0.001, 10000); }},
    {"tune", "steps", false, [](const Value& v, Recipe& r) { r.tune.steps = v.integer(1, 100000000); }},
    {"tune", "batch", false, [](const Value& v, Recipe& r) { r.tune.batch = v.integer(1, 4096); }},
    {"tune", "accumulate", false, [](const Value& v, Recipe& r) { r.tune.accumulate = v.integer(1, 65536); }},
    {"tune", "checkpointing", false,
     [](const Value& v, Recipe& r) {
       r.tune.checkpointing = parse_checkpointing(v.one_of({"auto", "on", "off"}));
     }},
    {"tune", "memory_limit", false, [](const Value& v, Recipe& r) { r.tune.memory_limit = v.bytes(); }},
    {"tune", "eval_every", false,
     [](const Value& v, Recipe& r) { r.tune.eval_every = v.integer(1, 100000000); }},
    {"tune", "save_every", false,
     [](const Value& v, Recipe& r) { r.tune.save_every = v.integer(1, 100000000); }},
    {"merge", "format", false,
     [](const Value& v, Recipe& r) {
       r.merge_format = v.one_of({"f16", "bf16", "f32"});
     }},
    {"quantize", "to", false, [](const Value& v, Recipe& r) { r.quantize_to = v.list(mix_names()); }},
    {"eval", "limit", false, [](const Value& v, Recipe& r) { r.eval.limit = v.integer(2, 1000000); }},
    {"eval", "general", false, [](const Value& v, Recipe& r) { r.eval.general = v.file(r); }},
    {"eval", "convention", false,
     [](const Value& v, Recipe& r) {
       r.eval.convention = v.one_of({"llama.cpp", "paper"});
     }},
    {"eval", "context", false, [](const Value& v, Recipe& r) { r.eval.context = v.integer(8, 1 << 20); }},
    {"eval", "max_windows", false,
     [](const Value& v, Recipe& r) { r.eval.max_windows = v.integer(1, 1000000); }},
    {"eval", "speed", false, [](const Value& v, Recipe& r) { r.eval.speed = v.boolean(); }},
    {"report", "examples", false, [](const Value& v, Recipe& r) { r.examples = v.integer(0, 50); }},
    {"report", "example_tokens", false,
     [](const Value& v, Recipe& r) { r.example_tokens = v.integer(1, 4096); }},
};

std::vector<std::string> section_names() {
  std::vector<std::string> names;
  for (const Key& key : kKeys) {
    if (names.empty() || names.back() != key.section) names.emplace_back(key.section);
  }
  return names;
}

std::vector<std::string> key_names(std::string_view section) {
  std::vector<std::string> names;
  for (const Key& key : kKeys) {
    if (key.section == section) names.emplace_back(key.key);
  }
  return names;
}

// Where the key stands: toml++ keeps the place of keys as well as of values.
void reject_unknown(const toml::table& root, const std::string& file) {
  const std::vector<std::string> sections = section_names();
  for (const auto& [section, node] : root) {
    const std::string name(section.str());
    if (std::find(sections.begin(), sections.end(), name) == sections.end())
      fail(ErrorCode::kInvalidArgument, "{}: unknown {} \"{}\"{}", where(file, section.source()),
           node.is_table() ? "section" : "key", name, suggestion(name, sections));
    if (!node.is_table())
      fail(ErrorCode::kInvalidArgument, "{}: \"{}\" is a section: got {}, expected [{}]",
           where(file, section.source()), name, type_text(node), name);
    const std::vector<std::string> known = key_names(name);
    for (const auto& [key, value] : *node.as_table()) {
      const std::string key_name(key.str());
      if (std::find(known.begin(), known.end(), key_name) == known.end())
        fail(ErrorCode::kInvalidArgument, "{}: unknown key \"{}\" in [{}]{}", where(file, key.source()),
             key_name, name, suggestion(key_name, known));
    }
  }
}

void check_combinations(const Recipe& recipe, const toml::table& root, const std::string& file) {
  const toml::node* first = nullptr;
  for (const char* key : {"tune.steps", "tune.epochs", "tune.tokens"}) {
    const toml::node* node = root.at_path(key).node();
    if (node != nullptr && first != nullptr)
      fail(ErrorCode::kInvalidArgument, "{}: [tune] has more than one of steps, epochs and tokens; keep one",
           where(file, node->source()));
    if (node != nullptr) first = node;
  }
  std::error_code error;  // names that cannot be compared are no reason to stop
  if (std::filesystem::equivalent(recipe.train, recipe.test, error))
    fail(ErrorCode::kInvalidArgument,
         "{}: [data] train and test are the same file {}; a model must be measured on data it has not seen",
         file, recipe.test.string());
}

}  // namespace

Recipe load_recipe(const std::filesystem::path& path) {
  Recipe recipe;
  recipe.path = path;
  recipe.text = read_file(path);
  const std::string file = path.filename().string();
  check_plain_toml(recipe.text, file);
  toml::table root;
  try {
    root = toml::parse(recipe.text, file);
  } catch (const toml::parse_error& error) {
    fail(ErrorCode::kInvalidArgument, "{}: {}", where(file, error.source()), error.description());
  }
  reject_unknown(root, file);
  for (const Key& key : kKeys) {
    const toml::node* node = nullptr;
    if (const toml::table* section = root[key.section].as_table()) node = section->get(key.key);
    if (node == nullptr && key.required)
      fail(ErrorCode::kInvalidArgument, "{}: [{}] {} is missing", file, key.section, key.key);
    if (node != nullptr) key.read(Value(*node, file, fmt::format("[{}] {}", key.section, key.key)), recipe);
  }
  check_combinations(recipe, root, file);
  recipe.tune.max_length = recipe.max_length;
  recipe.tune.seed = recipe.tune.adapter.seed = recipe.seed;
  validate(recipe.tune);
  if (recipe.output.empty()) recipe.output = std::filesystem::path("runs") / recipe.name;
  return recipe;
}

}  // namespace hone
