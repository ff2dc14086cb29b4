// Pieces of Markdown that the pull request's text and the model card share.
#pragma once

#include <string>

#include "report/results.h"

namespace hone::markdown {

std::string inline_text(const std::string& text);  // on one line, nothing in it is markup
std::string stage_rows(const RunReport& report);   // the table of stages
std::string proof_text(const RunReport& report);   // promises, tasks, parts of the loss

}  // namespace hone::markdown
