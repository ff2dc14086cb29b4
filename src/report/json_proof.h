// JSON of the parts of a report that prove something: tasks, where loss comes from, gates.
#pragma once

#include <nlohmann/json.hpp>

#include "report/json_reader.h"
#include "report/results.h"

namespace hone {

// Adds tasks, loss_parts and gates to `json`, each only when there are any.
void add_proof(const RunReport& report, nlohmann::ordered_json& json);
void read_proof(const JsonReader& reader, RunReport& report);

}  // namespace hone
