// Bounded reads of hyperparameters; see config_reader.h.
#include "models/config_reader.h"

#include <cmath>

#include "base/atomic_file.h"
#include "base/error.h"

namespace hone {
namespace {

constexpr uint64_t kMaxJsonBytes = 256ull << 20;
constexpr int kMaxJsonDepth = 64;  // copying and printing a value recurse

size_t check_size(const std::string& key, uint64_t value, SizeRange range) {
  if (value < range.low || value > range.high)
    fail(ErrorCode::kCorruption, "{}: got {}, expected a whole number from {} to {}", key, value, range.low,
         range.high);
  return value;
}

double check_float(const std::string& key, double value, FloatRange range) {
  if (!std::isfinite(value) || value <= range.low || value > range.high)
    fail(ErrorCode::kCorruption, "{}: got {}, expected a number above {} and at most {}", key, value,
         range.low, range.high);
  return value;
}

// What a message shows of a JSON value: whole when short. Invalid UTF-8 must not throw from here.
std::string shown(const nlohmann::json& value) {
  std::string text = value.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  if (text.size() > 60) text = text.substr(0, 57) + "...";
  return text;
}

[[noreturn]] void fail_missing(const std::string& key) {
  fail(ErrorCode::kCorruption, "{}: missing", key);
}

}  // namespace

size_t metadata_size(const Metadata& metadata, const std::string& key, SizeRange range,
                     std::optional<size_t> fallback) {
  const std::optional<uint64_t> value = metadata.find_integer(key);
  if (!value && !fallback) fail_missing(key);
  return check_size(key, value ? *value : *fallback, range);
}

float metadata_float(const Metadata& metadata, const std::string& key, FloatRange range,
                     std::optional<float> fallback) {
  const std::optional<double> value = metadata.find_number(key);
  if (!value && !fallback) fail_missing(key);
  return static_cast<float>(check_float(key, value ? *value : static_cast<double>(*fallback), range));
}

const nlohmann::json* json_find(const nlohmann::json& object, const std::string& key) {
  const auto at = object.find(key);
  return at == object.end() || at->is_null() ? nullptr : &*at;
}

size_t json_size(const nlohmann::json& object, const std::string& key, SizeRange range,
                 std::optional<size_t> fallback) {
  const nlohmann::json* value = json_find(object, key);
  if (value == nullptr) {
    if (!fallback) fail_missing(key);
    return check_size(key, *fallback, range);
  }
  if (!value->is_number_integer() || (!value->is_number_unsigned() && value->get<int64_t>() < 0))
    fail(ErrorCode::kCorruption, "{}: got {}, expected a whole number from {} to {}", key, shown(*value),
         range.low, range.high);
  return check_size(key, value->get<uint64_t>(), range);
}

double json_float(const nlohmann::json& object, const std::string& key, FloatRange range,
                  std::optional<double> fallback) {
  const nlohmann::json* value = json_find(object, key);
  if (value == nullptr) {
    if (!fallback) fail_missing(key);
    return check_float(key, *fallback, range);
  }
  if (!value->is_number()) fail(ErrorCode::kCorruption, "{}: got {}, expected a number", key, shown(*value));
  return check_float(key, value->get<double>(), range);
}

bool json_bool(const nlohmann::json& object, const std::string& key, bool fallback) {
  const nlohmann::json* value = json_find(object, key);
  if (value == nullptr) return fallback;
  if (!value->is_boolean())
    fail(ErrorCode::kCorruption, "{}: got {}, expected true or false", key, shown(*value));
  return value->get<bool>();
}

std::string json_string(const nlohmann::json& object, const std::string& key,
                        std::optional<std::string> fallback) {
  const nlohmann::json* value = json_find(object, key);
  if (value == nullptr) {
    if (!fallback) fail_missing(key);
    return *fallback;
  }
  if (!value->is_string()) fail(ErrorCode::kCorruption, "{}: got {}, expected a string", key, shown(*value));
  return value->get<std::string>();
}

nlohmann::json read_json_object(const std::filesystem::path& path) {
  std::error_code ignored;
  const uint64_t size = std::filesystem::file_size(path, ignored);
  if (!ignored && size > kMaxJsonBytes)
    fail(ErrorCode::kCorruption, "{}: got {} bytes, expected at most {}", path.string(), size, kMaxJsonBytes);
  const auto check_depth = [&](int depth, nlohmann::json::parse_event_t, const nlohmann::json&) {
    if (depth > kMaxJsonDepth)
      fail(ErrorCode::kCorruption, "{}: got JSON nested over {} deep", path.string(), kMaxJsonDepth);
    return true;
  };
  nlohmann::json value;
  try {
    value = nlohmann::json::parse(read_file(path), check_depth);
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorCode::kCorruption, "{}: not valid JSON: {}", path.string(), error.what());
  }
  if (!value.is_object())
    fail(ErrorCode::kCorruption, "{}: got a JSON {}, expected an object", path.string(), value.type_name());
  return value;
}

}  // namespace hone
