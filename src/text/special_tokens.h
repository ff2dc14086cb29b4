// Finds control and user-defined tokens in a text before anything else is tokenized: longer ones first over
// the whole text, then leftmost (llama.cpp's rule; Hugging Face takes the leftmost, then the longest).
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace hone {

// A piece of a text: a token when id >= 0 (with the white space that it takes away), else text still to
// tokenize (never empty).
struct Fragment {
  std::string_view text;
  TokenId id;
};

class SpecialTokens {
 public:
  struct Entry {
    std::string_view text;  // not empty; must outlive this object
    TokenId id;
    bool always;                          // user-defined: split even when special tokens are not parsed
    bool lstrip = false, rstrip = false;  // takes away white space before, after it
  };
  SpecialTokens() = default;
  explicit SpecialTokens(std::vector<Entry> entries);
  std::vector<Fragment> split(std::string_view text, bool parse_special) const;

 private:
  // Indices into entries_ of those that occur in text, longest first.
  std::vector<size_t> present(std::string_view text, bool parse_special) const;

  std::vector<Entry> entries_;            // sorted by text, unique
  std::array<uint32_t, 257> by_first_{};  // entries_ starting with byte b: [by_first_[b], by_first_[b + 1])
};

}  // namespace hone
