// What killed processes left half-written, by its name: NAME.PID.tmp (atomic_file.h), NAME.PID.partial and
// .PID.partial (folders on their way), NAME.PID.old (replace.h). Only what belongs to a process that no
// longer runs is touched. A failure to remove is no error: it is in nobody's way.
#pragma once

#include <filesystem>

namespace hone {

// In a folder that is the caller's alone: all but NAME.PID.partial go; NAME.PID.old goes back where NAME is
// missing.
void remove_leftovers(const std::filesystem::path& folder);

// In a folder of anybody's: NAME.PID.tmp and NAME.PID.partial of this output alone.
void remove_leftovers_of(const std::filesystem::path& output);

}  // namespace hone
