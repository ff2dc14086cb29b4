// How many columns of W the tile kernels read side by side.
#pragma once

#include <cstddef>

namespace hone {

// Panels have `most` columns; a last one for few columns is half as wide, or half of that, down to `least`.
struct PanelWidths {
  size_t most, least;
  // Of the panel that begins where so many columns are left.
  size_t of(size_t columns_left) const noexcept {
    size_t width = most;
    while (width > least && columns_left <= width / 2) width /= 2;
    return width;
  }
};

}  // namespace hone
