#include "pipeline/recipe.h"

#include <algorithm>
#include <functional>

#include "base/atomic_file.h"
#include "base/error.h"
#include "formats/format.h"
#include "pipeline/recipe_node.h"
#include "pipeline/recipe_parts.h"
#include "pipeline/remedy.h"
#include "pipeline/suggest.h"
#include "quantize/mix_list.h"
#include "tune/schedule.h"

namespace hone {
namespace {

using Value = RecipeValue;

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

// Every key a recipe may have; the tables of a list have theirs in a file of their own.
constexpr Key kKeys[] = {
    {"run", "name", true, [](const Value& v, Recipe& r) { r.name = v.plain_name(100); }},
    {"run", "output", false,
     [](const Value& v, Recipe& r) { r.output = (v.folder() / v.text()).lexically_normal(); }},
    {"run", "seed", false, [](const Value& v, Recipe& r) { r.seed = v.integer(0, INT64_MAX); }},
    {"model", "base", true, [](const Value& v, Recipe& r) { r.base = v.model(); }},
    {"data", "train", true, [](const Value& v, Recipe& r) { r.train = v.file(); }},
    {"data", "valid", false, [](const Value& v, Recipe& r) { r.valid = v.file(); }},
    {"data", "test", true, [](const Value& v, Recipe& r) { r.test = v.file(); }},
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
    {"eval", "general", false, [](const Value& v, Recipe& r) { r.eval.general = v.file(); }},
    {"eval", "general_valid", false, [](const Value& v, Recipe& r) { r.eval.general_valid = v.file(); }},
    {"eval", "convention", false,
     [](const Value& v, Recipe& r) {
       r.eval.convention = v.one_of({"llama.cpp", "paper"});
     }},
    {"eval", "context", false, [](const Value& v, Recipe& r) { r.eval.context = v.integer(8, 1 << 20); }},
    {"eval", "max_windows", false,
     [](const Value& v, Recipe& r) { r.eval.max_windows = v.integer(1, 1000000); }},
    {"eval", "speed", false, [](const Value& v, Recipe& r) { r.eval.speed = v.boolean(); }},
    {"eval", "breakdown", false, [](const Value& v, Recipe& r) { r.eval.breakdown = v.boolean(); }},
    {"eval", "risks", false, [](const Value& v, Recipe& r) { r.eval.risks = v.boolean(); }},
    {"eval", "refusals", false, [](const Value& v, Recipe& r) { r.eval.refusals = v.file(); }},
    {"eval", "sensitivity", false,
     [](const Value& v, Recipe& r) { r.eval.sensitivity = v.list(r.quantize_to); }},
    {"eval", "tasks", false, [](const Value& v, Recipe& r) { r.eval.tasks = read_recipe_tasks(v); }},
    {"rival", "system", false, [](const Value& v, Recipe& r) { r.rival.system = v.text(); }},
    {"rival", "shots", false, [](const Value& v, Recipe& r) { r.rival.shots = v.integer(1, 1000); }},
    {"rival", "model", false, [](const Value& v, Recipe& r) { r.rival.model = v.model(); }},
    {"gates", "min_gain_kept", false,
     [](const Value& v, Recipe& r) { r.gates.min_gain_kept = v.number(0, 2); }},
    {"gates", "max_general_drop", false,
     [](const Value& v, Recipe& r) { r.gates.max_general_drop = v.number(-1, 10); }},
    {"gates", "max_task_drop", false,
     [](const Value& v, Recipe& r) { r.gates.max_task_drop = v.number(-1, 1); }},
    {"gates", "max_kl", false, [](const Value& v, Recipe& r) { r.gates.max_kl = v.number(0, 100); }},
    {"gates", "files", false, [](const Value& v, Recipe& r) { r.gates.files = v.list(r.quantize_to); }},
    {"gates", "strict", false, [](const Value& v, Recipe& r) { r.gates.strict = v.boolean(); }},
    {"gates", "on_fail", false,
     [](const Value& v, Recipe& r) {
       r.gates.repair = v.one_of({"fail", "repair"}) == "repair";
     }},
    {"gates", "remedies", false,
     [](const Value& v, Recipe& r) { r.gates.remedies = v.list(names_of(all_remedies())); }},
    {"cost", "currency", false, [](const Value& v, Recipe& r) { r.cost.currency = v.plain_name(8); }},
    {"cost", "per_hour", false, [](const Value& v, Recipe& r) { r.cost.per_hour = v.number(0, 1e6); }},
    {"cost", "per_kwh", false, [](const Value& v, Recipe& r) { r.cost.per_kwh = v.number(0, 1e6); }},
    {"cost", "watts", false, [](const Value& v, Recipe& r) { r.cost.watts = v.number(0, 1e6); }},
    {"card", "licence", false, [](const Value& v, Recipe& r) { r.card.licence = v.text(); }},
    {"card", "language", false, [](const Value& v, Recipe& r) { r.card.language = v.text(); }},
    {"card", "intended", false, [](const Value& v, Recipe& r) { r.card.intended = v.text(); }},
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

void reject_unknown(const RecipeNode& root) {
  const std::vector<std::string> sections = section_names();
  for (const auto& [name, where, node] : root.entries) {
    const bool table = node.kind == RecipeNode::Kind::kTable;
    if (std::find(sections.begin(), sections.end(), name) == sections.end())
      fail(ErrorCode::kInvalidArgument, "{}: unknown {} \"{}\"{}", where, table ? "section" : "key", name,
           suggestion(name, sections));
    if (!table)
      fail(ErrorCode::kInvalidArgument, "{}: \"{}\" is a section: got {}, expected [{}]", where, name,
           node.type, name);
    reject_unknown_keys(node, "[" + name + "]", key_names(name));
  }
}

const RecipeNode* find_node(const RecipeNode& root, std::string_view section, std::string_view key) {
  const RecipeNode* table = root.find(section);
  return table == nullptr ? nullptr : table->find(key);
}

// on_fail = "repair": what remedies are chosen by.
void check_repair(const Recipe& recipe, const std::function<void(const std::string&)>& wrong) {
  const Recipe::Gates& gates = recipe.gates;
  const auto has_valid = [&](bool general) {
    return std::any_of(recipe.eval.tasks.begin(), recipe.eval.tasks.end(), [&](const RecipeTask& task) {
      return task.general == general && !task.valid.empty();
    });
  };
  if (!gates.repair) {
    if (!gates.remedies.empty()) wrong("remedies: got some, but on_fail is not \"repair\"");
    if (!recipe.eval.general_valid.empty() || has_valid(true) || has_valid(false))
      wrong(
          "got validation data in [eval] general_valid or valid of [[eval.tasks]], which only on_fail = "
          "\"repair\" uses");
    return;
  }
  if (recipe.valid.empty())
    wrong(
        "on_fail = \"repair\": got no [data] valid, expected chats to choose by, which the report does not "
        "measure on");
  const bool general = gates.max_general_drop && (!recipe.eval.general_valid.empty() || has_valid(true));
  const bool task = gates.max_task_drop && has_valid(false);
  if (!gates.min_gain_kept && !gates.max_kl && !general && !task)
    wrong(
        "on_fail = \"repair\": got no promise that has validation data to choose by; give min_gain_kept or "
        "max_kl, [eval] general_valid, or valid = \"…\" in [[eval.tasks]]");
}

void check_gates(const Recipe& recipe, const RecipeNode& root) {
  const RecipeNode* section = root.find("gates");
  const std::string place = section == nullptr ? recipe.path.filename().string() : section->where;
  const auto wrong = [&](const std::string& what) {
    fail(ErrorCode::kInvalidArgument, "{}: [gates]: {}", place, what);
  };
  check_repair(recipe, wrong);
  if (section == nullptr) return;
  if (!recipe.gates.any())
    wrong(
        "got no gate, expected at least one of min_gain_kept, max_general_drop, "
        "max_task_drop, max_kl");
  if (recipe.quantize_to.empty()) wrong("got no file to judge; name formats in [quantize] to");
  const auto& tasks = recipe.eval.tasks;
  const auto general = [](const RecipeTask& task) { return task.general; };
  if (recipe.gates.max_general_drop && recipe.eval.general.empty() &&
      std::none_of(tasks.begin(), tasks.end(), general))
    wrong(
        "max_general_drop: got nothing general to measure on; give [eval] general or a task with general = "
        "true");
  if (recipe.gates.max_task_drop && std::all_of(tasks.begin(), tasks.end(), general))
    wrong("max_task_drop: got no task to measure on; give one in [[eval.tasks]]");
}

void check_cost(const Recipe::Cost& cost, const RecipeNode& root) {
  const RecipeNode* section = root.find("cost");
  if (section == nullptr) return;
  const auto wrong = [&](const char* what) {
    fail(ErrorCode::kInvalidArgument, "{}: [cost]: {}", section->where, what);
  };
  if (cost.currency.empty()) wrong("got no currency, expected one, such as \"EUR\"");
  if ((cost.per_kwh > 0) != (cost.watts > 0)) wrong("got one of per_kwh and watts, expected both or none");
  if (cost.hourly() <= 0) wrong("got no price, expected per_hour, or per_kwh and watts");
}

void check_combinations(const Recipe& recipe, const RecipeNode& root, const std::string& file) {
  const RecipeNode* first = nullptr;
  for (const char* key : {"steps", "epochs", "tokens"}) {
    const RecipeNode* node = find_node(root, "tune", key);
    if (node != nullptr && first != nullptr)
      fail(ErrorCode::kInvalidArgument, "{}: [tune] has more than one of steps, epochs and tokens; keep one",
           node->where);
    if (node != nullptr) first = node;
  }
  std::error_code error;  // names that cannot be compared are no reason to stop
  const auto apart = [&](const std::filesystem::path& a, const std::filesystem::path& b, const char* what,
                         const char* why) {
    if (std::filesystem::equivalent(a, b, error))
      fail(ErrorCode::kInvalidArgument, "{}: {} are the same file {}; {}", file, what, b.string(), why);
  };
  apart(recipe.train, recipe.test, "[data] train and test",
        "a model must be measured on data it has not seen");
  apart(recipe.valid, recipe.test, "[data] valid and test",
        "what training stops by must not be what it is measured on");
  apart(recipe.valid, recipe.train, "[data] valid and train",
        "a loss on training data does not say when to stop");
  constexpr const char* kChosen = "what repairs are chosen by must not be what they are measured on";
  if (!recipe.eval.refusals.empty() && !recipe.eval.risks)
    fail(ErrorCode::kInvalidArgument,
         "{}: [eval] refusals: got a file, but risks = false; refusals are one of the risks", file);
  apart(recipe.eval.general_valid, recipe.eval.general, "[eval] general_valid and general", kChosen);
  for (const RecipeTask& task : recipe.eval.tasks)
    apart(task.valid, task.data, "[[eval.tasks]] valid and data", kChosen);
}

}  // namespace

Recipe load_recipe(const std::filesystem::path& path) {
  Recipe recipe;
  recipe.path = path;
  recipe.text = read_file(path);
  const std::string file = path.filename().string();
  const RecipeNode root = parse_toml(recipe.text, file);
  reject_unknown(root);
  for (const Key& key : kKeys) {
    const RecipeNode* node = find_node(root, key.section, key.key);
    if (node == nullptr && key.required)
      fail(ErrorCode::kInvalidArgument, "{}: [{}] {} is missing", file, key.section, key.key);
    if (node != nullptr)
      key.read(Value(*node, path.parent_path(), fmt::format("[{}] {}", key.section, key.key)), recipe);
  }
  check_combinations(recipe, root, file);
  check_gates(recipe, root);
  check_cost(recipe.cost, root);
  recipe.tune.max_length = recipe.max_length;
  recipe.tune.seed = recipe.tune.adapter.seed = recipe.seed;
  validate(recipe.tune);
  if (recipe.output.empty()) recipe.output = std::filesystem::path("runs") / recipe.name;
  return recipe;
}

}  // namespace hone
