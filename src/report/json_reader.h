// Reading one JSON object member by member, with messages that name the place in the file.
#pragma once

#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "report/results.h"

namespace hone {

// A missing key leaves the value as it is; a value of the wrong type throws Corruption. The JSON must outlive
// it.
class JsonReader {
 public:
  using Json = nlohmann::ordered_json;
  JsonReader(const Json& json, std::string where) : json_(json), where_(std::move(where)) {
    if (!json.is_object()) wrong(where_, json, "an object");
  }

  void read(const char* key, std::string& out) const {
    const Json* value = find(key);
    if (value == nullptr) return;
    if (!value->is_string()) wrong(place(key), *value, "a string");
    out = value->get<std::string>();
  }
  void read(const char* key, double& out) const {
    const Json* value = find(key);
    if (value == nullptr) return;
    if (!value->is_number() && !value->is_null()) wrong(place(key), *value, "a number or null");
    out = value->is_null() ? std::numeric_limits<double>::quiet_NaN() : value->get<double>();
  }
  void read(const char* key, uint64_t& out) const {
    const Json* value = find(key);
    if (value == nullptr) return;
    const bool whole =
        value->is_number_unsigned() || (value->is_number_integer() && value->get<int64_t>() >= 0);
    if (!whole) wrong(place(key), *value, "a whole number, 0 or more");
    out = value->get<uint64_t>();
  }
  void read(const char* key, bool& out) const {
    const Json* value = find(key);
    if (value == nullptr) return;
    if (!value->is_boolean()) wrong(place(key), *value, "true or false");
    out = value->get<bool>();
  }
  void read(const char* key, std::optional<double>& out) const {
    if (find(key) != nullptr) read(key, out.emplace());
  }
  void read(const char* key, std::optional<Measured>& out) const {
    const Json* value = find(key);
    if (value != nullptr && !value->is_null()) out = measured(*value, place(key));
  }
  void read(const char* key, std::vector<std::string>& out) const {
    each(key, [&](const Json& item, const std::string& where) {
      if (!item.is_string()) wrong(where, item, "a string");
      out.push_back(item.get<std::string>());
    });
  }
  void read(const char* key, const char* first, const char* second,
            std::vector<std::pair<std::string, std::string>>& out) const {
    each(key, [&](const Json& item, const std::string& where) {
      const JsonReader pair(item, where);
      auto& [a, b] = out.emplace_back();
      pair.read(first, a);
      pair.read(second, b);
    });
  }
  void read(const char* key, std::map<std::string, Measured>& out) const {
    members(key, [&](const std::string& name, const Json& item, const std::string& where) {
      out[name] = measured(item, where);
    });
  }

  void read(const char* key, Measured& out) const {
    if (const Json* value = find(key)) out = measured(*value, place(key));
  }
  void read(const char* key, std::vector<double>& out) const {
    each(key, [&](const Json& item, const std::string& where) {
      if (!item.is_number()) wrong(where, item, "a number");
      out.push_back(item.get<double>());
    });
  }
  // Calls use(name, item, where) for each member of an object member.
  template <typename Use>
  void members(const char* key, Use use) const {
    const Json* value = find(key);
    if (value == nullptr) return;
    if (!value->is_object()) wrong(place(key), *value, "an object");
    for (const auto& [name, item] : value->items()) use(name, item, place(key) + "." + name);
  }

  // Calls use(item, where) for each item of an array member.
  template <typename Use>
  void each(const char* key, Use use) const {
    const Json* value = find(key);
    if (value == nullptr) return;
    if (!value->is_array()) wrong(place(key), *value, "an array");
    for (size_t i = 0; i < value->size(); ++i) use((*value)[i], fmt::format("{}[{}]", place(key), i));
  }

 private:
  [[noreturn]] static void wrong(const std::string& where, const Json& got, const char* expected) {
    fail(ErrorCode::kCorruption, "report: {}: got {}, expected {}; was it written by hone?",
         where.empty() ? "top level" : where, got.type_name(), expected);
  }
  static Measured measured(const Json& json, const std::string& where) {
    const JsonReader reader(json, where);
    Measured m;
    reader.read("value", m.value);
    reader.read("stderr", m.stderr_);
    reader.read("n", m.n);
    reader.read("low", m.low);
    reader.read("high", m.high);
    return m;
  }
  const Json* find(const char* key) const {
    const auto found = json_.find(key);
    return found == json_.end() ? nullptr : &*found;
  }
  std::string place(const char* key) const { return where_.empty() ? key : where_ + "." + key; }

  const Json& json_;
  std::string where_;
};

}  // namespace hone
