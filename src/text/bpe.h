// Byte-level BPE merging: the symbols of one word are joined by the lowest merge rank, leftmost first, until
// no merge applies. Which bytes make a word is pre_tokenizer.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "text/tokenizer.h"

namespace hone {

using TokenIndex = std::unordered_map<std::string_view, TokenId>;

// Open-addressing map from a pair of ids to the merge's rank and result.
class MergeTable {
 public:
  struct Merge {
    int32_t rank;
    TokenId result;
  };

  // Merges are "left right". Throws kCorruption when a merge is malformed or names text that is no token.
  MergeTable(const std::vector<std::string>& merges, const TokenIndex& index);

  // nullptr when the pair does not merge. Negative ids never do.
  const Merge* find(TokenId left, TokenId right) const noexcept {
    if ((left | right) < 0) return nullptr;
    const uint64_t key = pack(left, right);
    for (size_t i = slot(key);; i = (i + 1) & mask_) {
      if (entries_[i].key == key) return &entries_[i].merge;
      if (entries_[i].key == kEmpty) return nullptr;
    }
  }

 private:
  static constexpr uint64_t kEmpty = ~uint64_t{0};
  struct Entry {
    uint64_t key = kEmpty;
    Merge merge{};
  };
  static uint64_t pack(TokenId left, TokenId right) noexcept {
    return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
  }
  size_t slot(uint64_t key) const noexcept {
    return static_cast<size_t>((key * 0x9E3779B97F4A7C15U) >> 32) & mask_;
  }

  std::vector<Entry> entries_;
  size_t mask_ = 0;
};

// Merges one word in place. Symbols of -1 (bytes without a token) stay and keep their neighbours apart.
class BpeMerger {
 public:
  explicit BpeMerger(const MergeTable& table) : table_(table) {}
  void merge(std::vector<TokenId>& symbols);

 private:
  void merge_short(std::vector<TokenId>& symbols);  // quadratic, no allocation
  void merge_long(std::vector<TokenId>& symbols);   // heap and linked list, O(n log n)

  const MergeTable& table_;
};

}  // namespace hone
