// What the program says where neither a return nor an exception can: one line and an exit code, no core.
#pragma once

namespace hone::cli {

inline constexpr const char* kNoMemory =
    "memory: not enough is left for this; close other programs, or take fewer rows at a time, a shorter "
    "context or a smaller model";

// Of an exception that cannot be thrown where it arose, and of a mapped file that another program has cut
// short (SIGBUS). The terminal is left as it is now.
void install_last_words() noexcept;
// From here on SIGTERM ends the program at once, the terminal as it was at install_last_words(): while a line
// is edited it does not echo, and knows no Ctrl-C.
void end_on_sigterm() noexcept;

}  // namespace hone::cli
