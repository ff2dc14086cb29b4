// Multiple choice of your own.
#include <algorithm>

#include "eval/task_list.h"

namespace hone {

void read_labelled(const Row& row, TaskItem& item) {
  const Row choices = row.part("choices");
  item.choices = choices.texts("text");
  const std::vector<std::string> labels = choices.texts("label");
  const std::string key = row.text("answerKey");
  const size_t begin = std::min(key.find_first_not_of(' '), key.size());  // some rows have a space before it
  const auto found = std::find(labels.begin(), labels.end(), key.substr(begin));
  if (labels.size() != item.choices.size()) choices.wrong("label", "one label for each text");
  if (found == labels.end()) row.wrong("answerKey", "one of the choices' labels");
  item.answer = static_cast<size_t>(found - labels.begin());
}

TaskItem read_prepared(const Row& row) {
  TaskItem item;
  const bool is_question = !row.has("context") && row.has("question");
  item.contexts = {row.text(is_question ? "question" : "context")};
  item.choices = row.texts("choices");
  if (item.choices.size() < 2) row.wrong("choices", "at least two choices");
  const char* key = row.has("answer") ? "answer" : "label";
  const nlohmann::ordered_json& answer = row.at(key);
  // A choice's own text counts before a letter, and a letter before anything else.
  const auto found = std::find_if(item.choices.begin(), item.choices.end(),
                                  [&](const std::string& choice) { return answer == choice; });
  item.answer = found != item.choices.end() ? static_cast<size_t>(found - item.choices.begin())
                                            : row.index(key, item.choices.size());
  if (row.has("category")) item.category = row.text("category");
  return item;
}

constinit const Task kTaskChoices{
    .name = "choices",
    .title = "multiple choice",
    .summary = "questions of your own with choices",
    .columns = "context (or question), choices, answer (number from 0, letter or text), category if any",
    .normalised = true,
    .read = read_prepared,
};

}  // namespace hone
