// Memory for weights and large tensors: carved out of big mappings in huge pages where the kernel gives them,
// so that streaming through a model, or writing columns of many rows, is not stopped at every 4 KB page.
#pragma once

#include <cstddef>
#include <memory>

namespace hone {

// At least n bytes, aligned to 64, zeroed; nullptr when there is no memory. A piece's whole pages go back to
// the system when it does, the mapping with its last piece.
std::shared_ptr<std::byte> allocate_large(size_t n);
// At least n bytes, aligned to 64, uninitialised; nullptr when there is no memory.
std::shared_ptr<std::byte> allocate_small(size_t n);

}  // namespace hone
