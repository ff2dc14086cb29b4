// Memory for weights: carved out of big mappings in huge pages where the kernel gives them, so that streaming
// through a model is not stopped at every 4 KB page.
#pragma once

#include <cstddef>
#include <memory>

namespace hone {

// At least n bytes, aligned to 64, zeroed; nullptr when there is no memory. A mapping goes back to the system
// when its last piece does.
std::shared_ptr<std::byte> allocate_large(size_t n);

}  // namespace hone
