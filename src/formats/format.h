// Weight formats: how a row of numbers is stored in bytes. One file per format, one line in format_list.cpp.
// Nothing here picks codes cleverly (that is quantize/) or multiplies (that is kernels/).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace hone {

// Values are GGUF's ggml_type numbers.
enum class FormatId : uint32_t {
  kF32 = 0,
  kF16 = 1,
  kQ4_0 = 2,
  kQ4_1 = 3,
  kQ5_0 = 6,
  kQ5_1 = 7,
  kQ8_0 = 8,
  kQ2_K = 10,
  kQ3_K = 11,
  kQ4_K = 12,
  kQ5_K = 13,
  kQ6_K = 14,
  kIQ2_XXS = 16,
  kIQ2_XS = 17,
  kIQ3_XXS = 18,
  kIQ1_S = 19,
  kIQ4_NL = 20,
  kIQ3_S = 21,
  kIQ2_S = 22,
  kIQ4_XS = 23,
  kIQ1_M = 29,
  kBF16 = 30,
  kTQ1_0 = 34,
  kTQ2_0 = 35,
  kMXFP4 = 39,
  kNVFP4 = 40
};

struct Format {
  std::string_view name;  // "q4_0"
  FormatId id;
  size_t block_elems;  // elements per block: 1 for float formats, 32 for q4_0
  size_t block_bytes;
  bool quantized;
  // GGUF general.file_type of a model stored mostly in this format.
  uint32_t file_type;
  // Bound on RMS(error)/RMS(x) of a round trip of unit normal data, for the format's own test; 0: only read.
  double max_relative_rmse = 0;
  // n is a multiple of block_elems; src holds n / block_elems blocks, any alignment. Bit-exact with the gguf
  // package; from_float only for the formats that leave no choice, nullptr for those that are only read.
  void (*to_float)(const std::byte* src, float* dst, size_t n) noexcept;
  void (*from_float)(const float* src, std::byte* dst, size_t n) noexcept = nullptr;
  // Makes sum weights[i] (src[i] - decoded[i])^2 small; weights are finite and >= 0. nullptr: the format's
  // codes leave nothing to choose.
  void (*from_float_weighted)(const float* src, const float* weights, std::byte* dst,
                              size_t n) noexcept = nullptr;

  bool encodes() const noexcept { return from_float != nullptr; }
  double bits_per_weight() const noexcept {
    return 8.0 * static_cast<double>(block_bytes) / static_cast<double>(block_elems);
  }
  // Bytes of n elements; n must be a multiple of block_elems.
  size_t bytes(size_t n) const noexcept { return n / block_elems * block_bytes; }
};

std::span<const Format* const> all_formats() noexcept;
// nullptr when unknown.
const Format* find_format(FormatId id) noexcept;
const Format* find_format(std::string_view name) noexcept;
// Throws kNotSupported / kInvalidArgument naming the known formats.
const Format& format_of(FormatId id);
const Format& format_named(std::string_view name);

}  // namespace hone
