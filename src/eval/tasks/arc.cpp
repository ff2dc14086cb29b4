// ARC, easy and challenge (Clark et al. 2018): questions of science exams.
#include "eval/task_list.h"

namespace hone {
namespace {

TaskItem read(const Row& row) {
  if (!row.has("answerKey")) return read_prepared(row);
  TaskItem item;
  item.contexts = {"Question: " + row.text("question") + "\nAnswer:"};
  read_labelled(row, item);
  return item;
}

}  // namespace

constinit const Task kTaskArc{
    .name = "arc",
    .title = "ARC",
    .summary = "questions of science exams, easy or challenge",
    .columns = "question, choices {text, label}, answerKey (or context, choices, label)",
    .normalised = true,
    .read = read,
};

}  // namespace hone
