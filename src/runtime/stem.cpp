#include "runtime/stem.h"

#include <algorithm>

#include "runtime/advance.h"

namespace hone {

size_t common_beginning(std::span<const TokenId> a, std::span<const TokenId> b) noexcept {
  return static_cast<size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

size_t Stem::common(std::span<const TokenId> text, size_t longest) const noexcept {
  if (!cache_ || cache_->is_long() != model_.config().is_long(longest)) return 0;
  return common_beginning(tokens_, text);
}

const KvCache& Stem::become(OpContext& ctx, std::span<const TokenId> tokens, size_t longest) {
  const bool fits = cache_ && cache_->is_long() == model_.config().is_long(longest);
  if (!fits || cache_->capacity() < tokens.size()) {
    cache_.emplace(model_.config(), tokens.size() + tokens.size() / 4, format_, longest);
    tokens_.clear();
  }
  const size_t kept = common(tokens, longest);
  cache_->truncate(kept);
  tokens_.resize(kept);  // what the cache holds, should the forward throw
  if (kept < tokens.size()) {
    const Feed feed{tokens.subspan(kept), &*cache_, 0};
    advance_hidden(model_, ctx, std::span(&feed, 1));
  }
  tokens_.assign(tokens.begin(), tokens.end());
  return *cache_;
}

}  // namespace hone
