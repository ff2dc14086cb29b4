// The report's opening in words, sentence by sentence: the page gives each its place, the terminal and the
// pull request join them (summary_text in report.h).
#pragma once

#include <string>
#include <vector>

#include "report/results.h"

namespace hone {

// Plain text; empty where the results say nothing.
struct Summary {
  std::string headline, done, gain;
  std::vector<std::string> files{};  // what each file kept
  std::vector<std::string> rivals{}, tasks{};
  std::string general{}, take{}, promises{};
  std::vector<std::string> warnings{};
  bool promises_broken = false;

  // All of it but headline and `done`, in the order of reading.
  std::vector<std::string> sentences() const;
};
Summary summarize(const RunReport& report);

}  // namespace hone
