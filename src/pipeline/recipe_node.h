// A recipe's values with the places they stand at, as read from TOML; and reading them with errors of the
// form "recipe.toml:LINE:COLUMN: [SECTION] KEY: got …, expected …".
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace hone {

struct RecipeNode {
  enum class Kind { kText, kInteger, kNumber, kBoolean, kList, kTable, kOther };
  struct Entry;

  Kind kind = Kind::kOther;
  std::string where;  // "recipe.toml:3:8"
  std::string type;   // "string", "integer", … as TOML calls it
  std::string shown;  // the value as it was written, for errors; empty for lists and tables
  std::string text;
  int64_t integer = 0;
  double number = 0;  // of integers too
  bool boolean = false;
  std::vector<RecipeNode> items;  // of a list
  std::vector<Entry> entries;     // of a table, in the order of the file

  const RecipeNode* find(std::string_view key) const noexcept;
};
struct RecipeNode::Entry {
  std::string key, where;  // of the key
  RecipeNode node;
};

// The root table. Throws kInvalidArgument with the place.
RecipeNode parse_toml(const std::string& text, const std::string& file);

// One value under its name. All readers throw kInvalidArgument.
class RecipeValue {
 public:
  // folder: what paths are relative to; name: "[eval] limit", for errors.
  RecipeValue(const RecipeNode& node, std::filesystem::path folder, std::string name)
      : node_(node), folder_(std::move(folder)), name_(std::move(name)) {}

  [[noreturn]] void wrong(const std::string& expected) const;
  std::string text() const;
  // At most `longest` letters, digits, - and _, at least one: fit for a file's name.
  std::string plain_name(size_t longest) const;
  bool boolean() const;
  uint64_t integer(uint64_t low, uint64_t high) const;
  double number(double low, double high) const;
  uint64_t bytes() const;  // "6.5GB"
  std::string one_of(const std::vector<std::string>& known) const;
  std::vector<std::string> list(const std::vector<std::string>& known = {}) const;  // no known: any string
  // A file that must exist; throws kNotFound.
  std::filesystem::path file() const;
  // A file or folder beside the recipe, or as it stands: a name in the model store.
  std::string model() const;
  // A string as it is, or a table as JSON text.
  std::string name_or_json() const;
  // Each table of a list of tables.
  std::vector<RecipeNode> tables() const;
  const std::filesystem::path& folder() const noexcept { return folder_; }
  const std::string& name() const noexcept { return name_; }
  // "recipe.toml:3:8: [eval] limit"
  std::string place() const { return node_.where + ": " + name_; }

 private:
  const RecipeNode& node_;
  std::filesystem::path folder_;
  std::string name_;
};

// One row of a list of keys; T is what they are read into.
template <typename T>
struct RecipeKey {
  std::string_view key;
  bool required;
  void (*read)(const RecipeValue& value, T& out);
};

// Throws kInvalidArgument when `table` has a key that is not among `known`, with the nearest one.
void reject_unknown_keys(const RecipeNode& table, const std::string& section,
                         const std::vector<std::string>& known);
[[noreturn]] void missing_key(const RecipeNode& table, const std::string& section, std::string_view key);

// Reads a table by its keys: unknown and missing ones are errors. section: "[[eval.tasks]]".
template <typename T, typename Keys>
void read_table(const RecipeNode& table, const std::string& section, const Keys& keys,
                const std::filesystem::path& folder, T& out) {
  std::vector<std::string> known;
  for (const auto& key : keys) known.emplace_back(key.key);
  reject_unknown_keys(table, section, known);
  for (const auto& key : keys) {
    const RecipeNode* node = table.find(key.key);
    if (node == nullptr && key.required) missing_key(table, section, key.key);
    if (node != nullptr) key.read(RecipeValue(*node, folder, section + " " + std::string(key.key)), out);
  }
}

}  // namespace hone
