#include "eval/row.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/error.h"

namespace hone {
namespace {

using nlohmann::ordered_json;

// What stands there, short enough for one line.
std::string shown(const ordered_json& value) {
  std::string text = value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  constexpr size_t kLongest = 60;
  if (text.size() > kLongest) text = text.substr(0, kLongest) + "…";
  return text;
}

// A count as JSON or as a text of digits.
std::optional<size_t> whole_number(const ordered_json& value) {
  if (value.is_number_unsigned()) return value.get<size_t>();
  if (!value.is_string()) return std::nullopt;
  const std::string& text = value.get_ref<const std::string&>();
  size_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

std::optional<size_t> letter(const ordered_json& value) {
  if (!value.is_string()) return std::nullopt;
  const std::string& text = value.get_ref<const std::string&>();
  if (text.size() != 1 || text[0] < 'A' || text[0] > 'Z') return std::nullopt;
  return static_cast<size_t>(text[0] - 'A');
}

}  // namespace

bool Row::has(std::string_view key) const {
  const auto found = value_.find(key);
  return found != value_.end() && !found->is_null();
}

const ordered_json& Row::at(std::string_view key) const {
  if (has(key)) return value_.at(std::string(key));
  std::string got;
  for (const auto& [name, unused] : value_.items()) got += (got.empty() ? "" : ", ") + name;
  fail(ErrorCode::kInvalidArgument, "{}: column \"{}\" is missing: got {}, expected {}", where_, key,
       got.empty() ? "no columns" : got, columns_);
}

void Row::wrong(std::string_view key, const std::string& expected) const {
  fail(ErrorCode::kInvalidArgument, "{}: \"{}\": got {}, expected {}", where_, key, shown(at(key)), expected);
}

void Row::fails(const std::string& what) const {
  fail(ErrorCode::kInvalidArgument, "{}: {}", where_, what);
}

std::string Row::text(std::string_view key) const {
  if (!at(key).is_string()) wrong(key, "a text");
  return at(key).get<std::string>();
}

std::vector<std::string> Row::texts(std::string_view key) const {
  const ordered_json& list = at(key);
  if (!list.is_array() || list.empty()) wrong(key, "a list of texts");
  std::vector<std::string> out;
  for (const ordered_json& item : list) {
    if (!item.is_string()) wrong(key, "a list of texts");
    out.push_back(item.get<std::string>());
  }
  return out;
}

size_t Row::whole(std::string_view key) const {
  const std::optional<size_t> value = whole_number(at(key));
  if (!value) wrong(key, "a whole number from 0");
  return *value;
}

bool Row::flag(std::string_view key, bool otherwise) const {
  if (!has(key)) return otherwise;
  if (!at(key).is_boolean()) wrong(key, "true or false");
  return at(key).get<bool>();
}

double Row::number(std::string_view key, double otherwise) const {
  if (!has(key)) return otherwise;
  if (!at(key).is_number()) wrong(key, "a number");
  return at(key).get<double>();
}

std::vector<std::string> Row::answers(std::string_view key) const {
  const ordered_json& value = at(key);
  const auto text_of = [&](const ordered_json& one) {
    if (one.is_number()) return one.dump();
    if (!one.is_string()) wrong(key, "a text, a number or a list of them");
    return one.get<std::string>();
  };
  if (!value.is_array()) return {text_of(value)};
  if (value.empty()) wrong(key, "at least one answer");
  std::vector<std::string> out;
  for (const ordered_json& one : value) out.push_back(text_of(one));
  return out;
}

void Row::only(std::initializer_list<std::string_view> keys) const {
  for (const auto& [name, unused] : value_.items()) {
    if (std::find(keys.begin(), keys.end(), name) != keys.end()) continue;
    std::string known;
    for (const std::string_view key : keys) known += (known.empty() ? "" : ", ") + std::string(key);
    fails(fmt::format("got \"{}\", expected {}", name, known));
  }
}

Row Row::part(std::string_view key) const {
  if (!at(key).is_object()) wrong(key, "an object");
  return {at(key), fmt::format("{}: \"{}\"", where_, key), columns_};
}

size_t Row::index(std::string_view key, size_t n, size_t first) const {
  std::optional<size_t> value = whole_number(at(key));
  if (value && first > 0) value = *value >= first ? std::optional(*value - first) : std::nullopt;
  if (!value && first == 0) value = letter(at(key));
  if (!value || *value >= n)
    wrong(key, fmt::format(
                   "{} to {}{}", first, n + first - 1,
                   first == 0 && n <= 26 ? fmt::format(" or A to {}", static_cast<char>('A' + n - 1)) : ""));
  return *value;
}

}  // namespace hone
