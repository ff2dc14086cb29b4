// Finding and naming stages.
#include "report/stages.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>

#include "report/text.h"

namespace hone::layout {

const StageResult* find_stage(const RunReport& report, const std::string& name) {
  const auto found = std::find_if(report.stages.begin(), report.stages.end(),
                                  [&](const StageResult& stage) { return stage.name == name; });
  return found == report.stages.end() ? nullptr : &*found;
}

const StageResult* stage_of_role(const RunReport& report, std::string_view role) {
  const auto found = std::find_if(report.stages.begin(), report.stages.end(),
                                  [&](const StageResult& stage) { return stage.role == role; });
  return found == report.stages.end() ? nullptr : &*found;
}

const StageResult* tuned_stage(const RunReport& report) {
  const StageResult* tuned = stage_of_role(report, "tuned");
  return tuned != nullptr ? tuned : stage_of_role(report, "merged");
}

bool has_gain(const StageResult& stage) {
  return stage.gain_kept && std::isfinite(stage.gain_kept->value);
}

std::vector<const StageResult*> shipped_files(const RunReport& report) {
  std::vector<const StageResult*> files;
  for (const StageResult& stage : report.stages) {
    if (stage.role == "file" && stage.status != "failed") files.push_back(&stage);
  }
  return files;
}

std::string plain_name(const StageResult& stage) {
  // q8_0, q4_k_m, iq4_nl: the digit is the width of the codes, which is what people call the file by.
  const std::string& name = stage.name;
  const size_t at = name.rfind("iq", 0) == 0 ? 2 : name.rfind('q', 0) == 0 ? 1 : 0;
  const bool coded = at > 0 && name.size() > at + 1 && std::isdigit(static_cast<unsigned char>(name[at])) &&
                     name[at + 1] == '_';
  if (coded) return fmt::format("{}-bit file ({})", name[at], single_line(name));
  return fmt::format("{} file", single_line(name));
}

}  // namespace hone::layout
