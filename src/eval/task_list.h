// The tasks, for task_list.cpp, help and errors.
#pragma once

#include <span>
#include <string_view>

#include "eval/task.h"

namespace hone {

extern const Task kTaskHellaswag;
extern const Task kTaskArc;
extern const Task kTaskOpenbookqa;
extern const Task kTaskPiqa;
extern const Task kTaskMmlu;
extern const Task kTaskWinogrande;
extern const Task kTaskBoolq;
extern const Task kTaskCopa;
extern const Task kTaskTruthfulqa;
extern const Task kTaskTruthfulqa2;
extern const Task kTaskLambada;
extern const Task kTaskChoices;
extern const Task kTaskGsm8k;
extern const Task kTaskIfeval;
extern const Task kTaskGenerate;

std::span<const Task* const> all_tasks() noexcept;
// Throws kInvalidArgument naming the known tasks.
const Task& find_task(std::string_view name);

// Rows that are already prompts: "context" (or "question"), "choices", and "answer" or "label" as number,
// letter or the choice's text; "category" if any. Readers fall back on it.
TaskItem read_prepared(const Row& row);
// The columns "choices" {text, label} and "answerKey" into an item.
void read_labelled(const Row& row, TaskItem& item);

}  // namespace hone
