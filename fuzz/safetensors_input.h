// The JSON header of a safetensors file is all that an input holds: its length goes before it, and as many
// bytes of small numbers as its offsets ask for come behind it.
#pragma once

#include <algorithm>
#include <nlohmann/json.hpp>

#include "memory_file.h"

namespace hone {

inline size_t promised_bytes(std::string_view header) {
  constexpr uint64_t kMost = 1 << 18;
  uint64_t end = 0;
  const auto json = nlohmann::json::parse(header, nullptr, false);
  if (!json.is_object()) return 0;
  for (const auto& tensor : json) {
    const auto offsets = tensor.is_object() ? tensor.find("data_offsets") : tensor.end();
    if (offsets == tensor.end() || !offsets->is_array() || offsets->size() != 2) continue;
    if ((*offsets)[1].is_number_unsigned()) end = std::max(end, (*offsets)[1].get<uint64_t>());
  }
  return std::min(end, kMost);
}

inline void write_header_and_data(const MemoryFile& file, std::span<const uint8_t> header) {
  const uint64_t length = header.size();
  file.append(reinterpret_cast<const uint8_t*>(&length), sizeof(length));
  file.append(header.data(), header.size());
  file.append_weights(promised_bytes({reinterpret_cast<const char*>(header.data()), header.size()}));
}

}  // namespace hone
