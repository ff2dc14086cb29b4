// Prompt lookup.
#include <algorithm>

#include "runtime/draft.h"

namespace hone {
namespace {

constexpr size_t kLeast = 2, kMost = 8;  // tokens that must agree; more are not looked at

// How many of the tokens before `at` equal those before the end.
size_t agreement(std::span<const TokenId> history, size_t at) {
  size_t n = 0;
  while (n < kMost && n < at && history[at - 1 - n] == history[history.size() - 1 - n]) ++n;
  return n;
}

class LookupDraft final : public Draft {
 public:
  void begin(std::span<const TokenId>, size_t) override {}

  std::vector<DraftToken> propose(std::span<const TokenId> history, size_t n, Rng&) override {
    // The longest agreement, the latest of equals.
    size_t best = 0, from = 0;
    for (size_t at = history.size() - 1; at >= kLeast && best < kMost; --at) {
      const size_t length = agreement(history, at);
      if (length <= best) continue;
      best = length;
      from = at;
    }
    std::vector<DraftToken> out;
    if (best < kLeast) return out;
    for (const TokenId id : history.subspan(from, std::min(n, history.size() - from)))
      out.push_back({id, {{id, 1.0}}});
    return out;
  }
};

}  // namespace

std::unique_ptr<Draft> make_lookup_draft() {
  return std::make_unique<LookupDraft>();
}

}  // namespace hone
