// The AVX-512 kernels compiled over an emulation of their instructions, so that every x86 machine tests them.

#include "kernels/avx512/kernels_avx512.cpp"
#include "kernels/avx512/outer_avx512.cpp"
#include "kernels/avx512/packed_avx512.cpp"
