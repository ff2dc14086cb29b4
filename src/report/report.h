// Renders a RunReport. Computes nothing that is not layout.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "report/results.h"

namespace hone {

std::string render_html(const RunReport& report);      // one self-contained file: no network, no other files
std::string render_markdown(const RunReport& report);  // for a pull request
std::string render_table(const RunReport& report, int width);  // for the terminal
nlohmann::ordered_json to_json(const RunReport& report);
nlohmann::ordered_json to_json(const StageResult& stage);

}  // namespace hone
