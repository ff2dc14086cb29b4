// A tiny model with a task's file, for tests.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "base/atomic_file.h"
#include "eval/task_list.h"
#include "eval/task_run.h"
#include "runtime/testing.h"

namespace hone {

class TinyModelTask : public testing::Test {
 protected:
  TinyModelTask() : source_(make_tiny_llama(1)), model_(source_), tokenizer_(tiny_tokenizer()) {}
  ~TinyModelTask() override { std::filesystem::remove(path_); }
  TaskFile file(const std::string& task, const std::string& rows, size_t limit = 0) {
    write_file(path_, rows);
    return read_task_file(find_task(task), path_, limit);
  }
  TaskResult run(const TaskFile& file, const PromptOptions& options = {}) const {
    return run_task({{.model = &model_, .compute = ComputeMode::kPrecise}, tokenizer_}, file, options,
                    "test");
  }
  std::filesystem::path path_ =
      std::filesystem::path(testing::TempDir()) / fmt::format("hone_task_{}.jsonl", ::getpid());
  MemorySource source_;
  Model model_;
  Tokenizer tokenizer_;
};

}  // namespace hone
