// A task's file, read.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "eval/task.h"

namespace hone {

struct TaskFile {
  const Task* task = nullptr;
  std::filesystem::path path;
  std::string content_hash;
  std::vector<TaskItem> items;
  std::map<std::string, size_t> left_out = {};  // how many rows were dropped, by reason
};
// limit: only the first rows; 0: all. Throws kInvalidArgument "FILE:LINE: TASK: …" for broken JSON, missing
// columns, labels out of range, empty files,
// files of nothing but rows that cannot be judged; kNotFound, kIo.
TaskFile read_task_file(const Task& task, const std::filesystem::path& path, size_t limit = 0);

}  // namespace hone
