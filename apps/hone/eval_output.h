// What the measures of `hone eval` leave: for --json, for the terminal, for the ledger.
#pragma once

#include <fmt/format.h>

#include <string>

#include "command.h"
#include "eval/details.h"

namespace hone::cli {

struct EvalOutput {
  Json metrics = Json::object();  // NAME: estimate
  Json protocol;                  // how they came about
  Json parts = Json::object();    // tables, under keys of their own
  std::string text;

  // A metric under its name, in the JSON and in the text.
  void add(const std::string& name, const Estimate& estimate, const std::string& what) {
    metrics[name] = to_json(estimate);
    text += fmt::format("  {:<24} {:>10.4f} ± {:.4f}   {}\n", name, estimate.value, estimate.stderr_, what);
  }
};

}  // namespace hone::cli
