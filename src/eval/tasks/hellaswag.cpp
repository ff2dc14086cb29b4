// HellaSwag (Zellers et al. 2019): which sentence goes on. The file's own rows, or prepared ones.
#include "eval/plain_text.h"
#include "eval/task_list.h"

namespace hone {
namespace {

// Marks of WikiHow's pages: "[header]" and the like go, "[title]" ends a sentence.
std::string cleaned(std::string_view text) {
  const std::string marked = replace_all(strip(text), " [title]", ". ");
  std::string out;
  for (size_t at = 0; at < marked.size();) {
    if (marked[at] == '[') {
      const size_t close = marked.find(']', at), line_end = marked.find('\n', at);
      if (close != std::string::npos && (line_end == std::string::npos || close < line_end)) {
        at = close + 1;
        continue;
      }
    }
    out += marked[at++];
  }
  return replace_all(out, "  ", " ");
}

TaskItem read(const Row& row) {
  if (!row.has("ctx_a")) return read_prepared(row);
  TaskItem item;
  const std::string context = row.text("ctx_a") + " " + capitalize(row.text("ctx_b"));
  item.contexts = {cleaned(row.text("activity_label") + ": " + context)};
  for (const std::string& ending : row.texts("endings")) item.choices.push_back(cleaned(ending));
  item.answer = row.index("label", item.choices.size());
  return item;
}

}  // namespace

constinit const Task kTaskHellaswag{
    .name = "hellaswag",
    .title = "HellaSwag",
    .summary = "which of four sentences goes on",
    .columns = "activity_label, ctx_a, ctx_b, endings, label (or context, choices, label)",
    .normalised = true,
    .read = read,
};

}  // namespace hone
