// Asking for a stream of weights ahead of its use. Weights come from memory once per product, and what the
// processor guesses by itself ends at every page of 4 KB and is too short for a memory far away (Emerald
// Rapids, two cores, decoding Q4_0: 143 tok/s without, 207 at 1.5 KB, 245 to 275 at 4 KB, 268 at 8 KB, 254 at
// 16 KB). Into the L2 cache: the L1 cache's queue of misses is too short for that many lines. And line by
// line as they are used: a Zen 1 stops at many at once (kernels/dots.h, two cores: 13 instead of 21
// GB/s).
#pragma once

#include <cstddef>

namespace hone {

constexpr size_t kAskAhead = 8192;  // bytes

// The lines of [w, w + n) a little further on; nothing happens where that is no memory of ours. Static: every
// instruction set has its own copy.
static inline void ask_ahead(const std::byte* w, size_t n) noexcept {
  for (size_t i = 0; i < n; i += 64) __builtin_prefetch(w + kAskAhead + i, 0, 2);
}

}  // namespace hone
