#include "pipeline/recipe_node.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/memory.h"
#include "pipeline/suggest.h"

namespace hone {

using Kind = RecipeNode::Kind;

namespace {

nlohmann::ordered_json json_of(const RecipeNode& node) {
  nlohmann::ordered_json out;
  switch (node.kind) {
    case Kind::kText:
      return node.text;
    case Kind::kInteger:
      return node.integer;
    case Kind::kNumber:
      return node.number;
    case Kind::kBoolean:
      return node.boolean;
    case Kind::kList:
      out = nlohmann::ordered_json::array();
      for (const RecipeNode& item : node.items) out.push_back(json_of(item));
      return out;
    case Kind::kTable:
      out = nlohmann::ordered_json::object();
      for (const RecipeNode::Entry& entry : node.entries) out[entry.key] = json_of(entry.node);
      return out;
    case Kind::kOther:
      return node.shown;
  }
  return out;
}

}  // namespace

const RecipeNode* RecipeNode::find(std::string_view key) const noexcept {
  for (const Entry& entry : entries)
    if (entry.key == key) return &entry.node;
  return nullptr;
}

void RecipeValue::wrong(const std::string& expected) const {
  fail(ErrorCode::kInvalidArgument, "{}: {}: got {} {}, expected {}", node_.where, name_, node_.type,
       node_.shown, expected);
}

std::string RecipeValue::text() const {
  if (node_.kind != Kind::kText) wrong("a string");
  return node_.text;
}

std::string RecipeValue::plain_name(size_t longest) const {
  std::string name = text();
  const auto plain = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_';
  };
  if (name.empty() || name.size() > longest || !std::all_of(name.begin(), name.end(), plain))
    wrong(fmt::format("1 to {} letters, digits, - or _", longest));
  return name;
}

bool RecipeValue::boolean() const {
  if (node_.kind != Kind::kBoolean) wrong("true or false");
  return node_.boolean;
}

uint64_t RecipeValue::integer(uint64_t low, uint64_t high) const {
  const std::string expected = fmt::format("a whole number from {} to {}", low, high);
  if (node_.kind != Kind::kInteger || node_.integer < 0) wrong(expected);
  const auto value = static_cast<uint64_t>(node_.integer);
  if (value < low || value > high) wrong(expected);
  return value;
}

double RecipeValue::number(double low, double high) const {
  const std::string expected = fmt::format("a number from {} to {}", low, high);
  if (node_.kind != Kind::kInteger && node_.kind != Kind::kNumber) wrong(expected);
  if (!std::isfinite(node_.number) || node_.number < low || node_.number > high) wrong(expected);
  return node_.number;
}

uint64_t RecipeValue::bytes() const {
  return parse_bytes(fmt::format("{}: {}", node_.where, name_), text());
}

std::string RecipeValue::one_of(const std::vector<std::string>& known) const {
  std::string value = text();
  if (std::find(known.begin(), known.end(), value) == known.end())
    fail(ErrorCode::kInvalidArgument, "{}: {}: unknown value \"{}\"{}", node_.where, name_, value,
         suggestion(value, known));
  return value;
}

std::vector<std::string> RecipeValue::list(const std::vector<std::string>& known) const {
  if (node_.kind != Kind::kList) wrong("a list of strings");
  std::vector<std::string> out;
  for (const RecipeNode& item : node_.items) {
    const RecipeValue entry(item, folder_, name_);
    const std::string value = known.empty() ? entry.text() : entry.one_of(known);
    if (std::find(out.begin(), out.end(), value) != out.end())
      fail(ErrorCode::kInvalidArgument, "{}: {}: \"{}\" stands twice", item.where, name_, value);
    out.push_back(value);
  }
  return out;
}

std::filesystem::path RecipeValue::file() const {
  const std::filesystem::path path = folder_ / text();
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error))
    fail(ErrorCode::kNotFound, "{}: {}: no file at {}", node_.where, name_, path.string());
  return path.lexically_normal();
}

std::string RecipeValue::model() const {
  const std::string given = text();
  if (given.empty()) wrong("a file, a folder or a name in the model store");
  std::error_code error;
  const std::filesystem::path beside = folder_ / given;
  return std::filesystem::exists(beside, error) ? beside.lexically_normal().string() : given;
}

std::string RecipeValue::name_or_json() const {
  if (node_.kind == Kind::kText) return node_.text;
  if (node_.kind != Kind::kTable) wrong("a string or a table");
  return json_of(node_).dump();
}

std::vector<RecipeNode> RecipeValue::tables() const {
  if (node_.kind != Kind::kList) wrong("a list of tables: [[…]]");
  for (const RecipeNode& item : node_.items)
    if (item.kind != Kind::kTable) RecipeValue(item, folder_, name_).wrong("a table");
  return node_.items;
}

void reject_unknown_keys(const RecipeNode& table, const std::string& section,
                         const std::vector<std::string>& known) {
  for (const RecipeNode::Entry& entry : table.entries)
    if (std::find(known.begin(), known.end(), entry.key) == known.end())
      fail(ErrorCode::kInvalidArgument, "{}: unknown key \"{}\" in {}{}", entry.where, entry.key, section,
           suggestion(entry.key, known));
}

void missing_key(const RecipeNode& table, const std::string& section, std::string_view key) {
  fail(ErrorCode::kInvalidArgument, "{}: {} {} is missing", table.where, section, key);
}

}  // namespace hone
