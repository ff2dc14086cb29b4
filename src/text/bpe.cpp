#include "text/bpe.h"

#include <algorithm>
#include <array>
#include <limits>
#include <queue>
#include <tuple>

#include "base/error.h"

namespace hone {
namespace {

constexpr size_t kShortWord = 32;

TokenId token_of(const TokenIndex& index, std::string_view text, const std::string& merge, size_t i) {
  const auto it = index.find(text);
  if (it == index.end())
    fail(ErrorCode::kCorruption,
         "tokenizer: merge {}: \"{}\" names \"{}\", which is not a token; the vocabulary and the merges do "
         "not "
         "belong together",
         i, merge.substr(0, 80), text.substr(0, 80));
  return it->second;
}

}  // namespace

MergeTable::MergeTable(const std::vector<std::string>& merges, const TokenIndex& index) {
  if (merges.size() > static_cast<size_t>(std::numeric_limits<int32_t>::max()))
    fail(ErrorCode::kCorruption, "tokenizer: merges: got {}, expected fewer than 2^31", merges.size());
  size_t capacity = 16;
  while (capacity < merges.size() * 2) capacity *= 2;
  entries_.resize(capacity);
  mask_ = capacity - 1;
  std::string joined;
  for (size_t i = 0; i < merges.size(); ++i) {
    const std::string& merge = merges[i];
    const size_t space = merge.find(' ', 1);
    if (merge.empty() || space == std::string::npos || space + 1 == merge.size())
      fail(ErrorCode::kCorruption, "tokenizer: merge {}: got \"{}\", expected \"left right\"", i,
           merge.substr(0, 80));
    const std::string_view left = std::string_view(merge).substr(0, space);
    const std::string_view right = std::string_view(merge).substr(space + 1);
    joined.assign(left);
    joined.append(right);
    const uint64_t key = pack(token_of(index, left, merge, i), token_of(index, right, merge, i));
    const TokenId result = token_of(index, joined, merge, i);
    size_t at = slot(key);
    while (entries_[at].key != kEmpty && entries_[at].key != key) at = (at + 1) & mask_;
    if (entries_[at].key == key) continue;  // a repeated merge keeps its first rank
    entries_[at] = {key, {static_cast<int32_t>(i), result}};
  }
}

void BpeMerger::merge(std::vector<TokenId>& symbols) {
  if (symbols.size() < 2) return;
  if (symbols.size() <= kShortWord) {
    merge_short(symbols);
  } else {
    merge_long(symbols);
  }
}

void BpeMerger::merge_short(std::vector<TokenId>& symbols) {
  constexpr MergeTable::Merge kNone{std::numeric_limits<int32_t>::max(), -1};
  std::array<MergeTable::Merge, kShortWord> pairs;
  const auto look_up = [&](size_t i) {
    const MergeTable::Merge* found = table_.find(symbols[i], symbols[i + 1]);
    return found != nullptr ? *found : kNone;
  };
  size_t n = symbols.size();
  for (size_t i = 0; i + 1 < n; ++i) pairs[i] = look_up(i);
  while (n > 1) {
    size_t best = 0;
    for (size_t i = 1; i + 1 < n; ++i)
      if (pairs[i].rank < pairs[best].rank) best = i;
    if (pairs[best].result < 0) break;
    symbols[best] = pairs[best].result;
    for (size_t i = best + 1; i + 1 < n; ++i) symbols[i] = symbols[i + 1];
    for (size_t i = best + 1; i + 2 < n; ++i) pairs[i] = pairs[i + 1];
    --n;
    if (best > 0) pairs[best - 1] = look_up(best - 1);
    if (best + 1 < n) pairs[best] = look_up(best);
  }
  symbols.resize(n);
}

void BpeMerger::merge_long(std::vector<TokenId>& symbols) {
  struct Candidate {
    int32_t rank;
    uint32_t left;
    TokenId left_id, right_id, result;
    bool operator<(const Candidate& other) const noexcept {  // a max-heap: the best compares greatest
      return std::tie(rank, left) > std::tie(other.rank, other.left);
    }
  };
  constexpr TokenId kGone = -2;
  const auto n = static_cast<uint32_t>(symbols.size());
  std::vector<uint32_t> next(n), previous(n);
  for (uint32_t i = 0; i < n; ++i) {
    next[i] = i + 1;
    previous[i] = i - 1;  // wraps to "none" for the first
  }
  std::priority_queue<Candidate> heap;
  const auto push = [&](uint32_t left) {
    if (left >= n || next[left] >= n) return;
    const TokenId right_id = symbols[next[left]];
    if (const MergeTable::Merge* found = table_.find(symbols[left], right_id))
      heap.push({found->rank, left, symbols[left], right_id, found->result});
  };
  for (uint32_t i = 0; i + 1 < n; ++i) push(i);
  while (!heap.empty()) {
    const Candidate best = heap.top();
    heap.pop();
    const uint32_t right = next[best.left];
    if (symbols[best.left] != best.left_id || right >= n || symbols[right] != best.right_id) continue;
    symbols[best.left] = best.result;
    symbols[right] = kGone;
    next[best.left] = next[right];
    if (next[right] < n) previous[next[right]] = best.left;
    push(previous[best.left]);
    push(best.left);
  }
  std::erase(symbols, kGone);
}

}  // namespace hone
