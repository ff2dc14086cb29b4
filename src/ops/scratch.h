// Per-thread buffers that only grow: no allocation in the steady state.
#pragma once

#include <cstddef>

namespace hone {

// Who uses a buffer; uses of one thread that overlap in time need slots of their own.
enum class ScratchSlot {
  kDecoded,
  kPairs,
  kOdd,
  kConverted,
  kPanels,
  kScales,
  kCodes,
  kCodeScales,
  kCodeSums,
  kRunTerms,
  kHalves,
  kRowScales,
  kPanelScales,
  kWide,
  kSums,
  kCount
};

// At least n bytes, aligned to 64, valid until this thread asks for the same slot again.
std::byte* scratch_bytes(size_t n, ScratchSlot slot);

template <typename T>
T* scratch(size_t n, ScratchSlot slot) {
  return reinterpret_cast<T*>(scratch_bytes(n * sizeof(T), slot));
}

}  // namespace hone
