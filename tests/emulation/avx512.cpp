// The kernels over AVX-512 and AMX compiled over an emulation of their instructions, so that every x86
// machine tests them.

#include "kernels/amx/kernels_amx.cpp"
#include "kernels/amx/outer_amx.cpp"
#include "kernels/amx/registers.cpp"
#include "kernels/amx/tile_amx.cpp"
#include "kernels/avx512/kernels_avx512.cpp"
#include "kernels/avx512/outer_avx512.cpp"
#include "kernels/avx512/packed_avx512.cpp"
