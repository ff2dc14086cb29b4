#include "base/interrupt.h"

#include <unistd.h>

#include <csignal>

#include "base/error.h"

namespace hone {
namespace {

volatile std::sig_atomic_t g_interrupted = 0;

void on_signal(int signal) {
  if (g_interrupted != 0) ::_exit(130);
  g_interrupted = signal;
}

}  // namespace

void install_interrupt_handler() noexcept {
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

bool interrupted() noexcept {
  return g_interrupted != 0;
}

bool take_ctrl_c() noexcept {
  if (g_interrupted != SIGINT) return false;
  g_interrupted = 0;
  return true;
}

void throw_if_interrupted(const char* what) {
  if (interrupted()) fail(ErrorCode::kCancelled, "{}: stopped by request", what);
}

}  // namespace hone
