// Values of a report as JSON: text is made valid UTF-8, numbers that are not finite are null.
#pragma once

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "report/results.h"
#include "report/text.h"

namespace hone {

inline nlohmann::ordered_json number_json(double value) {
  return std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json(nullptr);
}

inline nlohmann::ordered_json measured_json(const Measured& m) {
  return {{"value", number_json(m.value)},
          {"stderr", number_json(m.stderr_)},
          {"n", m.n},
          {"low", number_json(m.low)},
          {"high", number_json(m.high)}};
}

// Writes one member after another into an object; an absent optional is left out.
struct JsonWriter {
  nlohmann::ordered_json& json;
  void operator()(const char* key, const std::string& value) const { json[key] = valid_utf8(value); }
  void operator()(const char* key, double value) const { json[key] = number_json(value); }
  void operator()(const char* key, uint64_t value) const { json[key] = value; }
  void operator()(const char* key, bool value) const { json[key] = value; }
  void operator()(const char* key, const Measured& value) const { json[key] = measured_json(value); }
  void operator()(const char* key, const std::optional<Measured>& value) const {
    if (value) json[key] = measured_json(*value);
  }
};

}  // namespace hone
