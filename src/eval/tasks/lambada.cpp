// LAMBADA (Paperno et al. 2016): the last word of a passage.
#include "eval/task_list.h"

namespace hone {
namespace {

TaskItem read(const Row& row) {
  TaskItem item;
  if (row.has("target")) {
    item.contexts = {row.text("context")};
    item.choices = {" " + row.text("target")};
    return item;
  }
  const std::string text = row.text("text");
  const size_t space = text.rfind(' ');
  if (space == std::string::npos) row.wrong("text", "a passage of several words");
  item.contexts = {text.substr(0, space)};
  item.choices = {text.substr(space)};
  return item;
}

}  // namespace

constinit const Task kTaskLambada{
    .name = "lambada",
    .title = "LAMBADA",
    .summary = "the last word of a passage: accuracy of greedy choice, perplexity of the word",
    .columns = "text (or context, target)",
    .kind = TaskKind::kLastWord,
    .read = read,
};

}  // namespace hone
