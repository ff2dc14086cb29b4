// How wide the terminal behind stdout is.
#pragma once

#include <sys/ioctl.h>
#include <unistd.h>

namespace hone::cli {

inline int terminal_width() {
  winsize size{};
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 120;
}

}  // namespace hone::cli
