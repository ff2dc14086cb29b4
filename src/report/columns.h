// The columns of the stage table, described once and read by the HTML, Markdown and terminal renderers.
#pragma once

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "report/results.h"

namespace hone::layout {

struct Cell {
  std::string main;   // "1.523", or an en dash
  std::string minor;  // "± 0.021", an interval, or empty
  double sort =
      std::numeric_limits<double>::quiet_NaN();  // what a reader may sort by; not finite: comes last
};

struct Column {
  std::string title, unit;  // "Answer loss", "nats per token"
  std::string short_title;  // for the terminal: "loss"
  std::string help;         // one or two plain sentences
  bool numeric = true;
  int importance = 0;  // the terminal drops the smallest first
  std::function<Cell(const StageResult&)> cell;
  bool error_in_terminal = false;  // whether the terminal has room for Cell::minor too
};

// The standing columns, then one for each further metric that some stage carries.
std::vector<Column> stage_columns(const RunReport& report);

// The metric, if the stage has it and its value is a finite number.
const Measured* finite_metric(const StageResult& stage, const std::string& key);
// Digits after the point for a share with this interval: none when the interval is wide.
int share_decimals(const Measured& share);

}  // namespace hone::layout
