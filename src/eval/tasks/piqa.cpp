// PIQA (Bisk et al. 2020): which of two ways reaches a goal.
#include "eval/task_list.h"

namespace hone {
namespace {

TaskItem read(const Row& row) {
  if (!row.has("goal")) return read_prepared(row);
  TaskItem item;
  item.contexts = {"Question: " + row.text("goal") + "\nAnswer:"};
  item.choices = {row.text("sol1"), row.text("sol2")};
  item.answer = row.index("label", 2);
  return item;
}

}  // namespace

constinit const Task kTaskPiqa{
    .name = "piqa",
    .title = "PIQA",
    .summary = "which of two ways reaches a goal",
    .columns = "goal, sol1, sol2, label (or context, choices, label)",
    .normalised = true,
    .read = read,
};

}  // namespace hone
