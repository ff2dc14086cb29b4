// BoolQ (Clark et al. 2019): a passage and a question of yes or no.
#include "eval/task_list.h"

namespace hone {
namespace {

TaskItem read(const Row& row) {
  if (!row.has("passage")) return read_prepared(row);
  TaskItem item;
  item.contexts = {row.text("passage") + "\nQuestion: " + row.text("question") + "?\nAnswer:"};
  item.choices = {"no", "yes"};
  const char* key = row.has("label") ? "label" : "answer";
  const nlohmann::ordered_json& label = row.at(key);
  item.answer = label.is_boolean() ? (label.get<bool>() ? 1 : 0) : row.index(key, 2);
  return item;
}

}  // namespace

constinit const Task kTaskBoolq{
    .name = "boolq",
    .title = "BoolQ",
    .summary = "a passage and a question of yes or no",
    .columns = "passage, question, label or answer (or context, choices, label)",
    .read = read,
};

}  // namespace hone
