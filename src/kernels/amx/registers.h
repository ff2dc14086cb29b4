// The tile registers' shapes. To load them takes as long as eleven products of registers, so a thread's
// registers keep theirs from call to call; but between two runs of the thread pool (base/threads.h) somebody
// else may have set others: a program that we are linked into may multiply in them, too.
#pragma once

#include <cstddef>

namespace hone::amx {

constexpr size_t kRows = 16, kElems = 16;  // of a register, at most: rows, elements of 32 bits in one

// For mr x nr sums of `pairs` products, up to 32 x 32 of 16: sums in registers 0 to 3 row by row, A in 4 and
// 5, B in 6 and 7. What is not needed gets a shape nevertheless.
void want_shapes(size_t mr, size_t nr, size_t pairs) noexcept;
// Of 16 full rows, all eight.
inline void want_full_shapes() noexcept {
  want_shapes(2 * kRows, 2 * kElems, kElems);
}

// As far as GCC knows, loads of registers read no memory: what they read must have been written.
inline void written(const void* memory) noexcept {
  asm volatile("" : : "r"(memory) : "memory");
}

}  // namespace hone::amx
