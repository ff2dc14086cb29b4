// Metadata values as text and as JSON.
#include <fmt/format.h>

#include <algorithm>

#include "inspect_text.h"
#include "report/text.h"

namespace hone::cli {
namespace {

constexpr size_t kShownItems = 4, kShortArray = 8;
constexpr int kShownColumns = 64;

std::string number_text(double v) {
  return fmt::format("{:.7g}", v);
}

std::string item_text(uint64_t v) {
  return fmt::format("{}", v);
}
std::string item_text(int64_t v) {
  return fmt::format("{}", v);
}
std::string item_text(double v) {
  return number_text(v);
}
std::string item_text(const std::string& v) {
  return fmt::format("{:?}", v);
}

std::string array_text(const MetaArray& array, bool all) {
  return std::visit(
      [&](const auto& values) {
        const bool whole = all || values.size() <= kShortArray;
        const size_t shown = whole ? values.size() : kShownItems;
        std::string out;
        for (size_t i = 0; i < shown; ++i) out += (i > 0 ? ", " : "") + item_text(values[i]);
        if (whole) return "[" + out + "]";
        return fmt::format("[{}, … {} of {}]", out, values.size(), meta_type_name(array.element));
      },
      array.values);
}

std::string string_text(const std::string& text, bool all) {
  const std::string line = single_line(text);
  if (all || layout::display_width(line) <= kShownColumns) return line;
  return fmt::format("{} ({} bytes)", layout::fit_columns(line, kShownColumns), text.size());
}

}  // namespace

std::string value_text(const MetaValue& value, bool all) {
  if (const MetaArray* array = std::get_if<MetaArray>(&value.value)) return array_text(*array, all);
  if (const std::string* text = std::get_if<std::string>(&value.value)) return string_text(*text, all);
  if (value.type == MetaType::kBool) return std::get<uint64_t>(value.value) != 0 ? "true" : "false";
  if (const double* number = std::get_if<double>(&value.value)) return number_text(*number);
  if (const int64_t* number = std::get_if<int64_t>(&value.value)) return item_text(*number);
  return item_text(std::get<uint64_t>(value.value));
}

Json value_json(const MetaValue& value, bool all) {
  if (value.type == MetaType::kBool) return std::get<uint64_t>(value.value) != 0;
  return std::visit(
      [&](const auto& v) -> Json {
        if constexpr (std::is_same_v<std::decay_t<decltype(v)>, MetaArray>) {
          return std::visit(
              [&](const auto& values) -> Json {
                if (all || values.size() <= kShortArray) return values;
                const Json first(std::vector(values.begin(), values.begin() + kShownItems));
                return {{"array_of", meta_type_name(v.element)}, {"length", values.size()}, {"first", first}};
              },
              v.values);
        } else {
          return v;
        }
      },
      value.value);
}

}  // namespace hone::cli
