// Overflow-checked size arithmetic for numbers that come from files.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/error.h"

namespace hone {

inline uint64_t checked_mul(uint64_t a, uint64_t b, const char* what) {
  uint64_t out;
  if (__builtin_mul_overflow(a, b, &out))
    fail(ErrorCode::kCorruption, "{}: size overflows: {} x {}; the file is damaged or hostile", what, a, b);
  return out;
}

inline uint64_t checked_add(uint64_t a, uint64_t b, const char* what) {
  uint64_t out;
  if (__builtin_add_overflow(a, b, &out))
    fail(ErrorCode::kCorruption, "{}: size overflows: {} + {}; the file is damaged or hostile", what, a, b);
  return out;
}

}  // namespace hone
