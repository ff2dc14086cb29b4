// COPA (Roemmele et al. 2011): the more plausible cause or effect.
#include "eval/plain_text.h"
#include "eval/task_list.h"

namespace hone {
namespace {

// Behind a space of its own, as in lm-evaluation-harness: with the delimiter there are two.
std::string choice(const std::string& text) {
  return " " + lower_first(text);
}

TaskItem read(const Row& row) {
  if (!row.has("premise")) return read_prepared(row);
  TaskItem item;
  const std::string premise(strip(row.text("premise"))), asked = row.text("question");
  if (asked != "cause" && asked != "effect") row.wrong("question", "\"cause\" or \"effect\"");
  if (premise.empty()) row.wrong("premise", "a sentence");
  item.contexts = {premise.substr(0, premise.size() - 1) + (asked == "cause" ? " because" : " therefore")};
  item.choices = {choice(row.text("choice1")), choice(row.text("choice2"))};
  item.answer = row.index("label", 2);
  return item;
}

}  // namespace

constinit const Task kTaskCopa{
    .name = "copa",
    .title = "COPA",
    .summary = "the more plausible cause or effect",
    .columns = "premise, question, choice1, choice2, label (or context, choices, label)",
    .read = read,
};

}  // namespace hone
