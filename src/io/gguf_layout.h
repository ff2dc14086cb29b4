// What reader and writer share about GGUF's layout. For io's own files only.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

#include "io/weight_source.h"

namespace hone::gguf {

inline constexpr std::string_view kMagic = "GGUF";
inline constexpr uint32_t kVersion = 3;
inline constexpr uint64_t kDefaultAlignment = 32;
inline constexpr const char* kAlignmentKey = "general.alignment";
inline constexpr size_t kMaxDims = 4;
// The specification's limit for keys; tensor names get the same here, though llama.cpp reads 63 bytes only.
inline constexpr uint64_t kMaxNameBytes = 65535;
inline constexpr size_t kMaxWrittenTensorName = 63;

// Bytes of a scalar; 0 for strings and arrays.
constexpr uint64_t scalar_bytes(MetaType type) noexcept {
  switch (type) {
    case MetaType::kU8:
    case MetaType::kI8:
    case MetaType::kBool:
      return 1;
    case MetaType::kU16:
    case MetaType::kI16:
      return 2;
    case MetaType::kU32:
    case MetaType::kI32:
    case MetaType::kF32:
      return 4;
    case MetaType::kU64:
    case MetaType::kI64:
    case MetaType::kF64:
      return 8;
    case MetaType::kString:
    case MetaType::kArray:
      return 0;
  }
  return 0;
}

// f32 <-> f64 that keep every NaN's payload; a conversion would make signaling ones quiet.
inline double widen(uint32_t bits) noexcept {
  if ((bits & 0x7fffffffu) <= 0x7f800000u) return static_cast<double>(std::bit_cast<float>(bits));
  const uint64_t sign = static_cast<uint64_t>(bits >> 31) << 63;
  return std::bit_cast<double>(sign | 0x7ff0000000000000u | (static_cast<uint64_t>(bits & 0x7fffffu) << 29));
}

inline uint32_t narrow(double value) noexcept {
  const uint64_t bits = std::bit_cast<uint64_t>(value);
  if ((bits & ~(uint64_t{1} << 63)) <= 0x7ff0000000000000u)
    return std::bit_cast<uint32_t>(static_cast<float>(value));
  const uint32_t payload = static_cast<uint32_t>(bits >> 29) & 0x7fffffu;
  return static_cast<uint32_t>(bits >> 63) << 31 | 0x7f800000u | (payload != 0 ? payload : 0x400000u);
}

// general.alignment, or 32. Throws kCorruption, with `where` in the message.
uint64_t alignment_of(const Metadata& metadata, const std::string& where);

// Size of a tensor, with its dimensions checked: 1 to 4 of them, none zero, rows of whole blocks, no
// overflow.
uint64_t checked_tensor_bytes(const TensorInfo& tensor, const std::string& where);

// value rounded up to a multiple of alignment. Throws kCorruption, with `where` in the message.
uint64_t padded(uint64_t value, uint64_t alignment, const std::string& where);

// llama.cpp's name of a tensor type: "q4_k"; "unknown" when the number is not one.
const char* tensor_type_name(uint32_t type) noexcept;

}  // namespace hone::gguf
