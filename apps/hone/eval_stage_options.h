// The options of `hone eval --stages`.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace hone::cli {

struct StageOptions {
  std::string stages, report;

  void declare(CLI::App& app);
};

}  // namespace hone::cli
