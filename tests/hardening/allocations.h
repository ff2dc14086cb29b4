// Every allocation of this test program counted, measured, and made to fail when told: operator new,
// aligned_alloc and mmap.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hone::hardening {

// Counting starts anew, of those of at least `smallest` bytes; nothing fails.
void count_allocations(size_t smallest = 0);
// Since then.
uint64_t allocation_count();
size_t largest_allocation();

// The n-th from now (1: the next) of at least `smallest` bytes fails; with `all_after`, so do all such that
// follow.
void fail_allocation(uint64_t nth, bool all_after, size_t smallest);
// Whether that has happened; nothing fails any more.
bool stop_failing();

}  // namespace hone::hardening
