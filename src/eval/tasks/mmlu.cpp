// MMLU (Hendrycks et al. 2021): exams of 57 subjects; the letter of the answer is scored.
#include "eval/plain_text.h"
#include "eval/task_list.h"

namespace hone {
namespace {

TaskItem read(const Row& row) {
  if (!row.has("question")) return read_prepared(row);
  TaskItem item;
  const std::vector<std::string> texts = row.texts("choices");
  if (texts.size() > 26) row.wrong("choices", "at most 26 choices, as letters go");
  std::string prompt(strip(row.text("question")));
  for (size_t i = 0; i < texts.size(); ++i) {
    item.choices.emplace_back(1, static_cast<char>('A' + i));
    prompt += "\n" + item.choices.back() + ". " + texts[i];
  }
  item.contexts = {prompt + "\nAnswer:"};
  item.answer = row.index("answer", texts.size());
  if (row.has("subject")) item.category = row.text("subject");
  return item;
}

std::string description(const TaskItem& item) {
  if (item.category.empty()) return {};
  return "The following are multiple choice questions (with answers) about " +
         replace_all(item.category, "_", " ") + ".\n\n";
}

}  // namespace

constinit const Task kTaskMmlu{
    .name = "mmlu",
    .title = "MMLU",
    .summary = "exams of 57 subjects, answered by a letter; --shots are of the same subject",
    .columns = "question, choices, answer, subject (or context, choices, label)",
    .description = description,
    .shots_of_category = true,
    .read = read,
};

}  // namespace hone
