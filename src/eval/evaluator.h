// What can be measured, as data: help, validation, tables and JSON keys come from this list.
#pragma once

#include <span>
#include <string_view>

namespace hone {

struct Evaluator {
  std::string_view name;   // key in JSON: "perplexity"
  std::string_view title;  // for tables
  std::string_view unit;   // "" for plain ratios
  std::string_view summary;
  bool higher_is_better = false;
  bool needs_reference = false;
};

std::span<const Evaluator* const> all_evaluators() noexcept;
const Evaluator* find_evaluator(std::string_view name) noexcept;

}  // namespace hone
