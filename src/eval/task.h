// What a set of questions is, as data: which columns its file has, how a row becomes a prompt, how an answer
// is judged. One file each in tasks/, listed in task_list.cpp. The prompts are those of EleutherAI's
// lm-evaluation-harness (0.4), so that numbers can be put beside published ones.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "eval/row.h"

namespace hone {

enum class TaskKind {
  kChoice,    // log p of each choice; the largest is the prediction
  kLastWord,  // log p of one target; right when every token of it is the most likely one
};

struct TaskItem {
  std::vector<std::string> contexts;  // one for all choices; or one for each choice, which is then common
  std::vector<std::string> choices;   // texts to be scored behind the delimiter
  size_t answer = 0;
  std::vector<uint8_t> true_choices;  // of several: 1 where a choice is true; empty: `answer` alone counts
  std::string category;
  size_t line = 0;  // 1-based, in the file
};

struct Task {
  std::string_view name;  // --task
  std::string_view title;
  std::string_view summary;
  std::string_view columns;  // what rows have, for help and errors
  TaskKind kind = TaskKind::kChoice;
  // Accuracy by log p alone is what papers print (acc); by log p per character or byte too where choices are
  // texts.
  bool normalised = false;
  std::string_view delimiter = " ";  // between context and choice
  // Stands before the first example; nullptr: nothing.
  std::string (*description)(const TaskItem& item) = nullptr;
  bool shots_of_category = false;  // examples come from rows of the item's category
  TaskItem (*read)(const Row& row) = nullptr;
};

}  // namespace hone
