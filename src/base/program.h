// Another program, run to its end or to a time limit.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace hone {

struct ProgramEnd {
  bool timed_out = false;
  int exit_code = 0;  // 128 + the signal's number when a signal ended it
};

// Runs arguments[0] (a path, or found in PATH) with the others, without a shell: standard input is a file,
// standard output goes to another or nowhere, errors nowhere. It has a process group of its own, of which
// nothing is left when this returns. Throws kInvalidArgument when it cannot be started, kCancelled.
ProgramEnd run_program(const std::vector<std::string>& arguments, const std::filesystem::path& input,
                       double seconds, const std::filesystem::path& output = "/dev/null");

// The file that this process runs; empty when the kernel does not say.
std::string this_program();

// Throws kInvalidArgument "WHERE: …" when no file of this name (with a slash: a path; else in PATH) can be
// run.
void check_program(const std::string& name, const std::string& where);

}  // namespace hone
