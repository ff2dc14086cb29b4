// OpenBookQA (Mihaylov et al. 2018): questions about elementary science, asked without the book's fact, as
// published zero-shot numbers are. The question is the prompt as it stands; it is often a sentence to be
// ended.
#include "eval/task_list.h"

namespace hone {
namespace {

TaskItem read(const Row& row) {
  if (!row.has("question_stem")) return read_prepared(row);
  TaskItem item;
  item.contexts = {row.text("question_stem")};
  read_labelled(row, item);
  return item;
}

}  // namespace

constinit const Task kTaskOpenbookqa{
    .name = "openbookqa",
    .title = "OpenBookQA",
    .summary = "elementary science, without the book",
    .columns = "question_stem, choices {text, label}, answerKey (or context, choices, label)",
    .normalised = true,
    .read = read,
};

}  // namespace hone
