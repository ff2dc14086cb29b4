// The products over AVX-VNNI with the instruction's AVX-512 encoding: the same numbers from the same code, on
// machines that have only the one. Stands in for the library's file of the same function.

#include "kernels/avx2/packed_avx2_vnni.cpp"
