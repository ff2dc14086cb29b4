// Ctrl-C as a flag that long loops ask for: the first SIGINT or SIGTERM asks for a clean stop, the second
// ends the process at once.
#pragma once

namespace hone {

void install_interrupt_handler() noexcept;
bool interrupted() noexcept;
// True once for a SIGINT that is then forgotten: a program that goes on after Ctrl-C. SIGTERM stays.
bool take_ctrl_c() noexcept;
// Throws Error(kCancelled) when a stop was asked for. `what` says what was stopped.
void throw_if_interrupted(const char* what);

}  // namespace hone
