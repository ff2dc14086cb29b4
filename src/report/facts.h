// "What was done" as pairs of words, for the HTML and the Markdown.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "report/results.h"

namespace hone::layout {

using Facts = std::vector<std::pair<std::string, std::string>>;

Facts run_facts(const RunReport& report);  // only what is known; plain text
const Facts& glossary();                   // term, explanation

}  // namespace hone::layout
