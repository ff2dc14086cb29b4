// Finding and naming stages; shared by the summary, the key figures and the plots.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "report/results.h"

namespace hone::layout {

const StageResult* find_stage(const RunReport& report, const std::string& name);  // null when there is none
// The first of this role: "base", "merged"; null when there is none.
const StageResult* stage_of_role(const RunReport& report, std::string_view role);
const StageResult* tuned_stage(const RunReport& report);  // the role "tuned", else "merged"
bool has_gain(const StageResult& stage);                  // a finite share is stated
std::vector<const StageResult*> shipped_files(
    const RunReport& report);                      // past base, tuned, merged; not failed
std::string plain_name(const StageResult& stage);  // "8-bit file (q8_0)"

}  // namespace hone::layout
