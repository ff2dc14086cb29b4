// Rounders pick the codes of a weight format for given numbers; the format itself is only bytes. One file
// each, listed in rounder_list.cpp.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "formats/format.h"

namespace hone {

// Rows of one matrix. cols is a multiple of the format's block; out holds n_rows packed rows.
struct RoundRequest {
  const Format& format;
  size_t n_rows = 0, cols = 0;
  const float* rows = nullptr;  // (n_rows, cols)
  std::byte* out = nullptr;
};

struct Rounder {
  std::string_view name;  // "rtn"
  std::string_view summary;
  bool needs_calibration = false;
  // Thread-safe; rows are independent of each other.
  void (*round)(const RoundRequest& request) = nullptr;
};

std::span<const Rounder* const> all_rounders() noexcept;
// Throws kInvalidArgument naming the known rounders.
const Rounder& rounder_named(std::string_view name);

}  // namespace hone
