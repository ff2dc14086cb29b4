// What a set of questions is, as data: which columns its file has, how a row becomes a prompt, how an answer
// is judged. One file each in tasks/, listed in task_list.cpp. The prompts are those of EleutherAI's
// lm-evaluation-harness (0.4), so that numbers can be put beside published ones.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "eval/row.h"

namespace hone {

class Judge;
struct TaskFile;
struct JudgeOptions;

enum class TaskKind {
  kChoice,    // log p of each choice; the largest is the prediction
  kLastWord,  // log p of one target; right when every token of it is the most likely one
  kWritten,   // a text written by greedy choice, which the task's judge reads
};

struct TaskItem {
  std::vector<std::string> contexts;  // one for all choices; or one for each choice, which is then common
  std::vector<std::string> choices;   // texts to be scored behind the delimiter
                                      // (kWritten: right answers, of which any will do)
  size_t answer = 0;
  std::vector<uint8_t> true_choices;  // of several: 1 where a choice is true; empty: `answer` alone counts
  std::string category;
  size_t line = 0;  // 1-based, in the file
  // kWritten:
  nlohmann::ordered_json messages;   // a chat whose answer is wanted, instead of contexts; null: none
  nlohmann::ordered_json judged_by;  // what the judge reads of the row besides
  std::string left_out;              // why the item cannot be judged: it is counted and dropped
};

// How a text is written and judged.
struct Writing {
  size_t max_tokens = 256;
  std::span<const std::string_view> stop = {};  // a text ends before any of these
  // Throws kInvalidArgument for options and rows that do not fit.
  std::unique_ptr<Judge> (*judge)(const TaskFile& file, const JudgeOptions& options) = nullptr;
};

struct Task {
  std::string_view name;  // --task
  std::string_view title;
  std::string_view summary;
  std::string_view columns;         // what rows have, for help and errors
  std::string_view metric = "acc";  // the first, by which answers are right or wrong; empty: the judge's
  TaskKind kind = TaskKind::kChoice;
  // Accuracy by log p alone is what papers print (acc); by log p per character or byte too where choices are
  // texts.
  bool normalised = false;
  std::string_view delimiter = " ";  // between context and choice
  // Stands before the first example; nullptr: nothing.
  std::string (*description)(const TaskItem& item) = nullptr;
  bool shots_of_category = false;  // examples come from rows of the item's category
  TaskItem (*read)(const Row& row) = nullptr;
  Writing writing = {};  // kWritten
};

}  // namespace hone
