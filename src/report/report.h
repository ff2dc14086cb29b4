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
// The inverse, so that a report can be rendered again. A missing key takes its default, an unknown one is
// ignored; throws Corruption, naming the place, when a value has the wrong type.
RunReport from_json(const nlohmann::ordered_json& json);
// The first paragraph of the report: what the run gained and what each file kept, in plain words, one line.
std::string summary_text(const RunReport& report);

}  // namespace hone
