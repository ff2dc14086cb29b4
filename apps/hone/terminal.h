// What the terminal behind stdout is like.
#pragma once

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

namespace hone::cli {

struct TerminalSize {
  int columns = 120, rows = 40;  // when stdout is no terminal
};

inline TerminalSize terminal_size() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
  return {size.ws_col, size.ws_row};
}

// Whether escapes for colours may be written there: to a terminal, unless NO_COLOR says no.
inline bool has_colours(int file) {
  const char* no_color =
      std::getenv("NO_COLOR");  // NOLINT(concurrency-mt-unsafe): nothing here sets variables
  return ::isatty(file) == 1 && (no_color == nullptr || *no_color == '\0');
}

}  // namespace hone::cli
