// Bounded reads of hyperparameters from GGUF metadata and config.json: every message names the key, what was
// found and what is allowed. Used by the architecture rows.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "io/weight_source.h"

namespace hone {

// Limits of what a config may say; far above every known model, far below what overflows.
inline constexpr uint64_t kMaxLayers = 1000;
inline constexpr uint64_t kMaxDim = 1'000'000;
inline constexpr uint64_t kMaxVocab = 10'000'000;
inline constexpr uint64_t kMaxContext = 100'000'000;

struct SizeRange {
  uint64_t low, high;
};
struct FloatRange {
  double low, high;  // low is excluded
};

// Without a fallback a missing key throws kCorruption. Values out of range throw kCorruption.
size_t metadata_size(const Metadata& metadata, const std::string& key, SizeRange range,
                     std::optional<size_t> fallback = std::nullopt);
float metadata_float(const Metadata& metadata, const std::string& key, FloatRange range,
                     std::optional<float> fallback = std::nullopt);

// The same over JSON, where null counts as missing.
size_t json_size(const nlohmann::json& object, const std::string& key, SizeRange range,
                 std::optional<size_t> fallback = std::nullopt);
double json_float(const nlohmann::json& object, const std::string& key, FloatRange range,
                  std::optional<double> fallback = std::nullopt);
bool json_bool(const nlohmann::json& object, const std::string& key, bool fallback);
std::string json_string(const nlohmann::json& object, const std::string& key,
                        std::optional<std::string> fallback = std::nullopt);
// nullptr when missing or null.
const nlohmann::json* json_find(const nlohmann::json& object, const std::string& key);

// A JSON object from a file, not nested deeply; kNotFound, kCorruption with line and column.
nlohmann::json read_json_object(const std::filesystem::path& path);

}  // namespace hone
