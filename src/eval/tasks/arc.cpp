// ARC, easy and challenge (Clark et al. 2018): questions of science exams.
#include <algorithm>

#include "eval/task_list.h"

namespace hone {
namespace {

TaskItem read(const Row& row) {
  if (!row.has("answerKey")) return read_prepared(row);
  TaskItem item;
  item.contexts = {"Question: " + row.text("question") + "\nAnswer:"};
  const Row choices = row.part("choices");
  item.choices = choices.texts("text");
  const std::vector<std::string> labels = choices.texts("label");
  const auto found = std::find(labels.begin(), labels.end(), row.text("answerKey"));
  if (labels.size() != item.choices.size()) choices.wrong("label", "one label for each text");
  if (found == labels.end()) row.wrong("answerKey", "one of the choices' labels");
  item.answer = static_cast<size_t>(found - labels.begin());
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
