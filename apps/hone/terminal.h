// What the terminal behind stdout is like.
#pragma once

#include <sys/ioctl.h>
#include <unistd.h>

namespace hone::cli {

struct TerminalSize {
  int columns = 120, rows = 40;  // when stdout is no terminal
};

inline TerminalSize terminal_size() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
  return {size.ws_col, size.ws_row};
}

}  // namespace hone::cli
