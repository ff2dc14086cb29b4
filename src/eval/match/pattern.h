// Regular expressions of users and data, in time linear in the text (RE2's syntax: no look-around, no back
// references, \w \d \s of ASCII, $ only at the very end).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace hone {

class Pattern {
 public:
  enum Flags : unsigned { kPlain = 0, kIgnoreCase = 1 };
  // Throws kInvalidArgument "WHERE: pattern "TEXT": what is wrong".
  Pattern(const std::string& text, const std::string& where, unsigned flags = kPlain);
  ~Pattern();
  Pattern(Pattern&&) noexcept;

  // Of every match from left to right: its first group that is not empty; without groups all of it.
  std::vector<std::string> find_all(std::string_view text) const;
  size_t count(std::string_view text) const { return find_all(text).size(); }
  bool found(std::string_view text) const;
  // With every match replaced; \0 in `with` is the match, \1 its first group. `with` is the program's own.
  std::string replaced_in(const std::string& text, const std::string& with) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The first (from_end: last) match without white space at its ends, or kNoMatch: lm-evaluation-harness's
// regex filter.
inline constexpr std::string_view kNoMatch = "[invalid]";
std::string extract(const Pattern& pattern, const std::string& text, bool last);

}  // namespace hone
