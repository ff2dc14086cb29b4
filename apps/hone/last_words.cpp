#include "last_words.h"

#include <termios.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>

#include "base/error.h"

namespace hone::cli {
namespace {

termios g_terminal;
bool g_is_terminal = false;

constexpr char kNoPasteMarks[] = "\033[?2004l";

// Only what a signal handler may call.
void restore_terminal() noexcept {
  if (!g_is_terminal) return;
  ::tcsetattr(STDIN_FILENO, TCSANOW, &g_terminal);  // an editor of lines may have changed it
  if (::isatty(STDOUT_FILENO) == 1 && ::write(STDOUT_FILENO, kNoPasteMarks, sizeof kNoPasteMarks - 1) < 0)
    return;
}

void on_sigterm(int signal) {
  restore_terminal();
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

[[noreturn]] void say_and_exit(const char* message, ErrorCode code) noexcept {
  restore_terminal();
  for (const char* part : {"hone: error: ", message, "\n"})
    if (::write(STDERR_FILENO, part, std::strlen(part)) < 0) break;
  ::_exit(exit_code(code));
}

// Libraries allocate where nothing may be thrown (a JSON value when it goes).
[[noreturn]] void on_terminate() noexcept {
  try {
    if (const std::exception_ptr error = std::current_exception()) std::rethrow_exception(error);
  } catch (const std::bad_alloc&) {
    say_and_exit(kNoMemory, ErrorCode::kResourceExhausted);
  } catch (...) {
  }
  std::abort();
}

void on_bus_error(int) {
  say_and_exit(
      "a file in use (a model, most likely) was cut short by another program, or its disk cannot be read; "
      "bring the file back and run the same command again",
      ErrorCode::kIo);
}

}  // namespace

void install_last_words() noexcept {
  g_is_terminal = ::tcgetattr(STDIN_FILENO, &g_terminal) == 0;
  std::set_terminate(on_terminate);
  struct sigaction action {};
  action.sa_handler = on_bus_error;
  ::sigaction(SIGBUS, &action, nullptr);
}

void end_on_sigterm() noexcept {
  struct sigaction action {};
  action.sa_handler = on_sigterm;
  action.sa_flags = SA_NODEFER;
  ::sigaction(SIGTERM, &action, nullptr);
}

}  // namespace hone::cli
