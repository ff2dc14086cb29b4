// Sizes of this processor's caches, by which products are cut.
#pragma once

#include <cstddef>

namespace hone {

// Of one core. Where the system does not tell: 32 KB and 1 MB.
size_t l1_data_bytes() noexcept;
size_t l2_bytes() noexcept;

}  // namespace hone
