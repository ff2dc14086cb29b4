// Row-parallel loops for the element-wise ops.
#pragma once

#include <algorithm>
#include <cstddef>

#include "base/threads.h"

namespace hone {

// body(begin, end) over [0, rows), in chunks of about `elements` values: small tensors stay on the calling
// thread.
template <typename Body>
void parallel_rows(size_t rows, size_t cols, const Body& body, size_t elements = 16384) {
  if (rows == 0) return;
  const size_t chunk = std::max<size_t>(1, elements / std::max<size_t>(1, cols));
  thread_pool().run_near((rows + chunk - 1) / chunk,
                         [&](size_t i, int) { body(i * chunk, std::min(rows, (i + 1) * chunk)); });
}

// body(begin, end) over [0, n) units of W, which a few rows are multiplied by as they lie in memory. What a
// thread asks for ahead of its stretch is its next one; stretches small enough that no thread waits long.
template <typename Body>
void parallel_stretches(size_t n, const Body& body) {
  const size_t parts = std::min(n, 8 * static_cast<size_t>(thread_pool().size()));
  thread_pool().run_near(parts, [&](size_t i, int) { body(i * n / parts, (i + 1) * n / parts); });
}

}  // namespace hone
