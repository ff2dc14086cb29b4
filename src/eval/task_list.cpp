#include "eval/task_list.h"

#include <array>
#include <string>

#include "base/error.h"

namespace hone {
namespace {

constexpr auto kTasks = std::to_array<const Task*>({
    &kTaskHellaswag,
    &kTaskArc,
    &kTaskOpenbookqa,
    &kTaskPiqa,
    &kTaskMmlu,
    &kTaskWinogrande,
    &kTaskBoolq,
    &kTaskCopa,
    &kTaskTruthfulqa,
    &kTaskTruthfulqa2,
    &kTaskLambada,
    &kTaskChoices,
    &kTaskGsm8k,
    &kTaskIfeval,
    &kTaskGenerate,
});

}  // namespace

std::span<const Task* const> all_tasks() noexcept {
  return kTasks;
}

const Task& find_task(std::string_view name) {
  std::string known;
  for (const Task* task : kTasks) {
    if (task->name == name) return *task;
    known += (known.empty() ? "" : ", ") + std::string(task->name);
  }
  fail(ErrorCode::kInvalidArgument, "--task: got \"{}\", expected one of {}", name, known);
}

}  // namespace hone
