// [[eval.tasks]]
#include <algorithm>

#include "base/error.h"
#include "eval/task_list.h"
#include "pipeline/recipe_parts.h"

namespace hone {
namespace {

using Value = RecipeValue;

std::vector<std::string> task_names() {
  std::vector<std::string> names;
  for (const Task* task : all_tasks()) names.emplace_back(task->name);
  return names;
}

constexpr RecipeKey<RecipeTask> kKeys[] = {
    {"task", true, [](const Value& v, RecipeTask& t) { t.task = v.one_of(task_names()); }},
    {"data", true, [](const Value& v, RecipeTask& t) { t.data = v.file(); }},
    {"valid", false, [](const Value& v, RecipeTask& t) { t.valid = v.file(); }},
    {"name", false, [](const Value& v, RecipeTask& t) { t.name = v.plain_name(60); }},
    {"limit", false, [](const Value& v, RecipeTask& t) { t.limit = v.integer(2, 1000000); }},
    {"shots", false, [](const Value& v, RecipeTask& t) { t.shots = v.integer(0, 1000); }},
    {"shots_data", false, [](const Value& v, RecipeTask& t) { t.shots_data = v.file(); }},
    {"chat_template", false, [](const Value& v, RecipeTask& t) { t.chat_template = v.boolean(); }},
    {"max_tokens", false, [](const Value& v, RecipeTask& t) { t.max_tokens = v.integer(1, 1 << 20); }},
    {"stop", false,
     [](const Value& v, RecipeTask& t) {
       t.stop = v.list();
       for (const std::string& text : *t.stop)
         if (text.empty()) v.wrong("texts of at least one character");
     }},
    {"match", false,
     [](const Value& v, RecipeTask& t) {
       t.judge.match = v.name_or_json();
       t.judge.match_where = v.place();
     }},
    {"general", false, [](const Value& v, RecipeTask& t) { t.general = v.boolean(); }},
};

// Keys for answers that are written, on tasks that are not.
void check_writing(const RecipeTask& entry, const RecipeNode& table) {
  const Task& task = find_task(entry.task);
  const auto needs = [&](bool given, bool there, const char* key, const char* which) {
    if (given && !there)
      fail(ErrorCode::kInvalidArgument, "{}: [[eval.tasks]] {}: got a value, but {} is not {}", table.where,
           key, entry.task, which);
  };
  const bool written = task.kind == TaskKind::kWritten;
  needs(entry.max_tokens.has_value(), written, "max_tokens", "answered by writing");
  needs(entry.stop.has_value(), written, "stop", "answered by writing");
  needs(!entry.judge.match.empty(), task.metric.empty(), "match", "compared by a matcher (generate)");
}

// One name for each: the task's, with the file's where it stands more than once.
void name_tasks(std::vector<RecipeTask>& tasks, const std::vector<RecipeNode>& tables) {
  for (RecipeTask& task : tasks) {
    const bool once = std::count_if(tasks.begin(), tasks.end(),
                                    [&](const RecipeTask& other) { return other.task == task.task; }) == 1;
    if (task.name.empty()) task.name = once ? task.task : task.task + "-" + task.data.stem().string();
  }
  for (size_t i = 0; i < tasks.size(); ++i) {
    // The report has these names for the held-out answers and the general text.
    if (tasks[i].name == "answers" || tasks[i].name == "general")
      fail(ErrorCode::kInvalidArgument,
           "{}: [[eval.tasks]] name: got \"{}\", which the report itself uses; give another", tables[i].where,
           tasks[i].name);
    for (size_t j = 0; j < i; ++j)
      if (tasks[i].name == tasks[j].name)
        fail(ErrorCode::kInvalidArgument,
             "{}: [[eval.tasks]]: \"{}\" stands twice; give one of them another name = \"…\"",
             tables[i].where, tasks[i].name);
  }
}

}  // namespace

std::vector<RecipeTask> read_recipe_tasks(const RecipeValue& value) {
  std::vector<RecipeTask> tasks;
  const std::vector<RecipeNode> tables = value.tables();
  for (const RecipeNode& table : tables) {
    RecipeTask& task = tasks.emplace_back();
    read_table(table, "[[eval.tasks]]", kKeys, value.folder(), task);
    if (!task.shots_data.empty() && task.shots == 0)
      fail(ErrorCode::kInvalidArgument,
           "{}: [[eval.tasks]] shots_data: got a file, but no shots; say how many examples to show",
           table.where);
  }
  for (size_t i = 0; i < tasks.size(); ++i) check_writing(tasks[i], tables[i]);
  name_tasks(tasks, tables);
  return tasks;
}

}  // namespace hone
