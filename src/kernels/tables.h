// One table per instruction set; each is defined in its own folder, compiled with its own flags.
#pragma once

#include "kernels/kernels.h"

namespace hone {

const Kernels& scalar_kernels() noexcept;
const Kernels& avx2_kernels() noexcept;
const Kernels& avx512_kernels() noexcept;

}  // namespace hone
