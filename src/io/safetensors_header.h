// The JSON header of a safetensors file, parsed strictly and without building a JSON tree. For io's own files
// only.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace hone::safetensors {

inline constexpr uint64_t kMaxHeaderBytes = 100'000'000;
inline constexpr std::string_view kMetadataKey = "__metadata__";

struct Entry {
  std::string name;
  std::string dtype;
  std::vector<uint64_t> shape;
  std::vector<uint64_t> offsets;  // begin, end
};

struct Header {
  std::vector<Entry> entries;  // in the order of the text
  std::map<std::string, std::string> metadata;
};

// Throws kCorruption: syntax errors, invalid UTF-8, duplicate or missing or unknown keys, wrong types.
Header parse_header(std::string_view text, const std::string& where);

// Bits of one element; 0 when the dtype is unknown.
uint64_t dtype_bits(std::string_view dtype) noexcept;

}  // namespace hone::safetensors
