// WinoGrande (Sakaguchi et al. 2020): who is meant. Each name is put into the sentence's gap, and what
// follows the gap is scored behind it (partial evaluation, Trinh & Le 2018).
#include "eval/plain_text.h"
#include "eval/task_list.h"

namespace hone {
namespace {

TaskItem read(const Row& row) {
  TaskItem item;
  if (row.has("contexts")) {
    item.contexts = row.texts("contexts");
    if (item.contexts.size() < 2) row.wrong("contexts", "at least two contexts");
    item.choices = {row.text("continuation")};
    item.answer = row.index("label", item.contexts.size());
    return item;
  }
  const std::string sentence = row.text("sentence");
  const size_t gap = sentence.find('_');
  if (gap == std::string::npos) row.wrong("sentence", "a sentence with the gap _");
  for (const char* key : {"option1", "option2"})
    item.contexts.push_back(sentence.substr(0, gap) + row.text(key));
  item.choices = {std::string(strip(std::string_view(sentence).substr(gap + 1)))};
  item.answer = row.index("answer", 2, 1);
  return item;
}

}  // namespace

constinit const Task kTaskWinogrande{
    .name = "winogrande",
    .title = "WinoGrande",
    .summary = "whom a sentence means; what follows the name is scored",
    .columns = "sentence, option1, option2, answer (or contexts, continuation, label)",
    .read = read,
};

}  // namespace hone
