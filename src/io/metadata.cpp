// Metadata: an ordered key-value store with typed access. How it lies in a file is gguf_reader.cpp's and
// gguf_writer.cpp's business.
#include <array>
#include <limits>
#include <type_traits>

#include "base/error.h"
#include "io/weight_source.h"

namespace hone {

namespace {

std::string type_of(const MetaValue& value) {
  if (const MetaArray* array = std::get_if<MetaArray>(&value.value))
    return std::string("an array of ") + meta_type_name(array->element);
  return meta_type_name(value.type);
}

[[noreturn]] void fail_type(std::string_view key, const MetaValue& value, const char* expected) {
  fail(ErrorCode::kCorruption, "metadata key {}: got {}, expected {}", printable(key), type_of(value),
       expected);
}

std::optional<uint64_t> as_integer(const MetaValue& value) {
  if (value.type == MetaType::kBool) return std::nullopt;
  if (const uint64_t* u = std::get_if<uint64_t>(&value.value)) return *u;
  const int64_t* s = std::get_if<int64_t>(&value.value);
  if (s != nullptr && *s >= 0) return static_cast<uint64_t>(*s);
  return std::nullopt;
}

std::optional<double> as_number(const MetaValue& value) {
  if (value.type == MetaType::kBool) return std::nullopt;
  if (const double* d = std::get_if<double>(&value.value)) return *d;
  if (const uint64_t* u = std::get_if<uint64_t>(&value.value)) return static_cast<double>(*u);
  if (const int64_t* s = std::get_if<int64_t>(&value.value)) return static_cast<double>(*s);
  return std::nullopt;
}

uint64_t integer_of(std::string_view key, const MetaValue& value) {
  const std::optional<uint64_t> out = as_integer(value);
  if (out) return *out;
  if (const int64_t* s = std::get_if<int64_t>(&value.value))
    fail(ErrorCode::kCorruption, "metadata key {}: got {}, expected a non-negative integer", printable(key),
         *s);
  fail_type(key, value, "an integer");
}

double number_of(std::string_view key, const MetaValue& value) {
  const std::optional<double> out = as_number(value);
  if (!out) fail_type(key, value, "a number");
  return *out;
}

const std::string& string_of(std::string_view key, const MetaValue& value) {
  const std::string* out = std::get_if<std::string>(&value.value);
  if (out == nullptr) fail_type(key, value, "a string");
  return *out;
}

const MetaArray& array_of(std::string_view key, const MetaValue& value, const char* expected) {
  const MetaArray* out = std::get_if<MetaArray>(&value.value);
  if (out == nullptr) fail_type(key, value, expected);
  return *out;
}

}  // namespace

const char* meta_type_name(MetaType type) noexcept {
  static constexpr std::array<const char*, 13> kNames = {
      "u8", "i8", "u16", "i16", "u32", "i32", "f32", "bool", "string", "array", "u64", "i64", "f64"};
  const auto i = static_cast<size_t>(type);
  return i < kNames.size() ? kNames[i] : "unknown";
}

const MetaValue* Metadata::find(std::string_view key) const noexcept {
  const auto it = index_.find(key);
  return it == index_.end() ? nullptr : &entries_[it->second].second;
}

const MetaValue& Metadata::at(std::string_view key) const {
  const MetaValue* value = find(key);
  if (value == nullptr) fail(ErrorCode::kCorruption, "metadata key {} is missing", printable(key));
  return *value;
}

void Metadata::set(std::string key, MetaValue value) {
  const auto [it, added] = index_.try_emplace(key, entries_.size());
  if (added)
    entries_.emplace_back(std::move(key), std::move(value));
  else
    entries_[it->second].second = std::move(value);
}

void Metadata::erase(std::string_view key) {
  const auto it = index_.find(key);
  if (it == index_.end()) return;
  const size_t removed = it->second;
  index_.erase(it);
  entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(removed));
  for (auto& [name, position] : index_)
    if (position > removed) --position;
}

std::string Metadata::string(std::string_view key) const {
  return string_of(key, at(key));
}
uint64_t Metadata::integer(std::string_view key) const {
  return integer_of(key, at(key));
}
double Metadata::number(std::string_view key) const {
  return number_of(key, at(key));
}

std::optional<std::string> Metadata::find_string(std::string_view key) const {
  const MetaValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  return string_of(key, *value);
}

std::optional<uint64_t> Metadata::find_integer(std::string_view key) const {
  const MetaValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  return integer_of(key, *value);
}

std::optional<double> Metadata::find_number(std::string_view key) const {
  const MetaValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  return number_of(key, *value);
}

std::optional<bool> Metadata::find_bool(std::string_view key) const {
  const MetaValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (value->type != MetaType::kBool) fail_type(key, *value, "a bool");
  return std::get<uint64_t>(value->value) != 0;
}

std::vector<std::string> Metadata::strings(std::string_view key) const {
  constexpr const char* kExpected = "an array of strings";
  const MetaValue& value = at(key);
  const auto* out = std::get_if<std::vector<std::string>>(&array_of(key, value, kExpected).values);
  if (out == nullptr) fail_type(key, value, kExpected);
  return *out;
}

std::vector<int64_t> Metadata::integers(std::string_view key) const {
  constexpr const char* kExpected = "an array of integers";
  const MetaValue& value = at(key);
  const MetaArray& array = array_of(key, value, kExpected);
  if (const auto* s = std::get_if<std::vector<int64_t>>(&array.values)) return *s;
  const auto* u = std::get_if<std::vector<uint64_t>>(&array.values);
  if (u == nullptr) fail_type(key, value, kExpected);
  std::vector<int64_t> out;
  out.reserve(u->size());
  for (const uint64_t v : *u) {
    if (v > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
      fail(ErrorCode::kCorruption, "metadata key {}: got {}, expected at most {}", printable(key), v,
           std::numeric_limits<int64_t>::max());
    out.push_back(static_cast<int64_t>(v));
  }
  return out;
}

std::vector<double> Metadata::numbers(std::string_view key) const {
  constexpr const char* kExpected = "an array of numbers";
  const MetaValue& value = at(key);
  const MetaArray& array = array_of(key, value, kExpected);
  std::vector<double> out;
  out.reserve(array.size());
  std::visit(
      [&](const auto& values) {
        if constexpr (std::is_same_v<std::decay_t<decltype(values)>, std::vector<std::string>>)
          fail_type(key, value, kExpected);
        else
          for (const auto v : values) out.push_back(static_cast<double>(v));
      },
      array.values);
  return out;
}

void Metadata::set_string(std::string key, std::string value) {
  set(std::move(key), {MetaType::kString, std::move(value)});
}

void Metadata::set_u32(std::string key, uint32_t value) {
  set(std::move(key), {MetaType::kU32, static_cast<uint64_t>(value)});
}

void Metadata::set_u64(std::string key, uint64_t value) {
  set(std::move(key), {MetaType::kU64, value});
}

void Metadata::set_f32(std::string key, float value) {
  set(std::move(key), {MetaType::kF32, static_cast<double>(value)});
}

void Metadata::set_bool(std::string key, bool value) {
  set(std::move(key), {MetaType::kBool, static_cast<uint64_t>(value)});
}

void Metadata::set_strings(std::string key, std::vector<std::string> values) {
  set(std::move(key), {MetaType::kArray, MetaArray{MetaType::kString, std::move(values)}});
}

void Metadata::set_i32s(std::string key, const std::vector<int32_t>& values) {
  set(std::move(key),
      {MetaType::kArray, MetaArray{MetaType::kI32, std::vector<int64_t>(values.begin(), values.end())}});
}

void Metadata::set_f32s(std::string key, const std::vector<float>& values) {
  set(std::move(key),
      {MetaType::kArray, MetaArray{MetaType::kF32, std::vector<double>(values.begin(), values.end())}});
}

}  // namespace hone
