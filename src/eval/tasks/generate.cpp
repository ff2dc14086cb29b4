// Questions of your own that are answered by writing.
#include "eval/match_judge.h"
#include "eval/task_list.h"

namespace hone {
namespace {

void read_chat(const Row& row, TaskItem& item) {
  item.messages = row.at("messages");
  const bool is_list = item.messages.is_array() && !item.messages.empty();
  if (!is_list) row.wrong("messages", "a list of messages");
  for (const nlohmann::ordered_json& message : item.messages)
    if (!message.is_object() || !message.contains("role") || !message.contains("content"))
      row.wrong("messages", "messages with \"role\" and \"content\"");
  const nlohmann::ordered_json& last = item.messages.back();
  if (last["role"] != "user" || !last["content"].is_string())
    row.wrong("messages", "a text of the user at the end, which the model answers");
  item.contexts = {last["content"].get<std::string>()};
}

TaskItem read(const Row& row) {
  TaskItem item;
  if (row.has("messages"))
    read_chat(row, item);
  else
    item.contexts = {row.text(row.has("question") && !row.has("prompt") ? "question" : "prompt")};
  // TriviaQA's answers are objects.
  if (row.has("answer") && row.at("answer").is_object())
    item.choices = row.part("answer").answers("aliases");
  else if (row.has("answer") || row.has("answers"))
    item.choices = row.answers(row.has("answer") ? "answer" : "answers");
  if (row.has("match")) item.judged_by = row.at("match");
  if (row.has("category")) item.category = row.text("category");
  return item;
}

std::unique_ptr<Judge> judge(const TaskFile& file, const JudgeOptions& options) {
  return make_match_judge(file, options, "exact");
}

}  // namespace

constinit const Task kTaskGenerate{
    .name = "generate",
    .title = "written answers",
    .summary =
        "questions of your own, answered by writing and compared by a matcher (--match, default exact)",
    .columns = "prompt (or question, messages), answer (or answers), match and category if any",
    .metric = "",
    .kind = TaskKind::kWritten,
    .read = read,
    .writing = {.judge = judge},
};

}  // namespace hone
