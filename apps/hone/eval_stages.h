// hone eval --stages: models compared as the stages of one another.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "command.h"
#include "eval_tasks.h"
#include "pipeline/recipe.h"

namespace hone::cli {

struct StageOptions {
  std::string stages, report;

  void declare(CLI::App& app);
};
// what: chats, text and windows to measure on; tasks are added from `tasks`.
Outcome compare_stages(const StageOptions& options, Recipe what, const TaskOptions& tasks,
                       const CommonOptions& common);

}  // namespace hone::cli
