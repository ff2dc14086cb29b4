#include "text/spm.h"

#include <algorithm>
#include <queue>

#include "text/unicode.h"

namespace hone {
namespace {

struct Symbol {
  uint32_t begin, size;  // size 0: merged into its left neighbour
  uint32_t previous, next;
};

struct Candidate {
  float score;
  uint32_t left, right, size;
  bool operator<(const Candidate& other) const noexcept {  // a max-heap: the best compares greatest
    return score != other.score ? score < other.score : left > other.left;
  }
};

std::vector<Symbol> characters(std::string_view text) {
  std::vector<Symbol> symbols;
  for (size_t at = 0; at < text.size();) {
    const size_t size =
        std::min(unicode::announced_size(static_cast<unsigned char>(text[at])), text.size() - at);
    const auto i = static_cast<uint32_t>(symbols.size());
    symbols.push_back({static_cast<uint32_t>(at), static_cast<uint32_t>(size), i - 1, i + 1});
    at += size;
  }
  return symbols;
}

}  // namespace

SpmMerger::SpmMerger(const TokenIndex& index, const std::vector<float>& scores,
                     const std::array<TokenId, 256>& byte_tokens, TokenId unknown)
    : index_(index), scores_(scores), byte_tokens_(byte_tokens), unknown_(unknown) {
  for (const auto& [text, id] : index) longest_ = std::max(longest_, text.size());
}

void SpmMerger::merge(std::string_view text, std::vector<TokenId>& out, std::vector<size_t>* ends) const {
  std::vector<Symbol> symbols = characters(text);
  const auto n = static_cast<uint32_t>(symbols.size());
  std::priority_queue<Candidate> heap;
  const auto push = [&](uint32_t left, uint32_t right) {
    if (left >= n || right >= n) return;
    const uint32_t size = symbols[left].size + symbols[right].size;
    if (size > longest_) return;
    const auto it = index_.find(text.substr(symbols[left].begin, size));
    if (it != index_.end()) heap.push({scores_[static_cast<size_t>(it->second)], left, right, size});
  };
  for (uint32_t i = 0; i + 1 < n; ++i) push(i, i + 1);
  while (!heap.empty()) {
    const Candidate best = heap.top();
    heap.pop();
    Symbol& left = symbols[best.left];
    Symbol& right = symbols[best.right];
    // Stale: one side has merged since.
    if (left.size == 0 || right.size == 0 || left.size + right.size != best.size) continue;
    left.size += right.size;
    right.size = 0;
    left.next = right.next;
    if (right.next < n) symbols[right.next].previous = best.left;
    push(left.previous, best.left);
    push(best.left, left.next);
  }
  const auto put = [&](TokenId id, size_t end) {
    out.push_back(id);
    if (ends != nullptr) ends->push_back(end);
  };
  for (uint32_t i = 0; i < n; i = symbols[i].next) {
    const std::string_view piece = text.substr(symbols[i].begin, symbols[i].size);
    size_t end = symbols[i].begin;
    if (const auto it = index_.find(piece); it != index_.end()) {
      put(it->second, end + piece.size());
      continue;
    }
    for (const char c : piece) {
      const TokenId byte = byte_tokens_[static_cast<unsigned char>(c)];
      ++end;
      if (byte >= 0 || unknown_ >= 0) put(byte >= 0 ? byte : unknown_, end);
    }
  }
}

}  // namespace hone
