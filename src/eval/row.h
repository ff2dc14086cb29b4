// A row of a task's file, and where it stands: reads columns, or says which one is wrong, what stands there
// and what was expected.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace hone {

class Row {
 public:
  // where: "FILE:LINE: TASK"; columns: what the task reads, for errors about missing ones.
  Row(const nlohmann::ordered_json& value, std::string where, std::string columns)
      : value_(value), where_(std::move(where)), columns_(std::move(columns)) {}

  // There, and not null.
  bool has(std::string_view key) const;
  // All of these throw kInvalidArgument.
  const nlohmann::ordered_json& at(std::string_view key) const;
  std::string text(std::string_view key) const;
  std::vector<std::string> texts(std::string_view key) const;  // a list of at least one string
  size_t whole(std::string_view key) const;                    // a number or a text of digits
  // true or false; without the column `otherwise`.
  bool flag(std::string_view key, bool otherwise) const;
  double number(std::string_view key, double otherwise) const;
  // A text or a list of texts, also numbers as they stand.
  std::vector<std::string> answers(std::string_view key) const;
  // Refuses other columns: for settings, where a mistyped name must not be overlooked.
  void only(std::initializer_list<std::string_view> keys) const;
  // An object's part as a row of its own.
  Row part(std::string_view key) const;
  // Which of n: a number from `first`, a text of digits, or (from 0) a letter A, B, …
  size_t index(std::string_view key, size_t n, size_t first = 0) const;
  [[noreturn]] void wrong(std::string_view key, const std::string& expected) const;
  [[noreturn]] void fails(const std::string& what) const;
  const std::string& where() const noexcept { return where_; }

 private:
  const nlohmann::ordered_json& value_;
  std::string where_, columns_;
};

}  // namespace hone
