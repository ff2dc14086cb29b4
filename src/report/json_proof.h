// JSON of the parts of a report that prove something: conclusions, tasks, where loss comes from, gates.
#pragma once

#include <nlohmann/json.hpp>

#include "report/json_reader.h"
#include "report/results.h"

namespace hone {

// Adds findings, tasks, loss_parts, gates and others to `json`, each only when there are any.
void add_proof(const RunReport& report, nlohmann::ordered_json& json);
void read_proof(const JsonReader& reader, RunReport& report);

}  // namespace hone
