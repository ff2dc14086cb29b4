// The tile intrinsics, or for tests on machines without AMX an emulation of them.
#pragma once

#if defined(HONE_EMULATE_AVX512)
#include "kernels/amx/emulated.h"
#include "kernels/avx512/emulated.h"
#else
#include <immintrin.h>
#endif
