// Items of tasks and answers to them as a reader sees them, cut to a few lines.
#pragma once

#include <string>

#include "eval/task_run.h"

namespace hone {

// The last of a text, as much as a few lines hold.
std::string end_of(const std::string& text);
std::string shown_question(const TaskItem& item);  // the end of the prompt, as far as all choices share it
std::string shown_expected(const TaskItem& item);
// What was chosen; empty where a task's answer is not a text.
std::string shown_answer(const Task& task, const TaskItem& item, const ItemResult& result);

}  // namespace hone
