// What a forward is given: tokens of one or several sequences, and their caches.
#include <algorithm>

#include "base/error.h"
#include "models/model.h"

namespace hone {
namespace {

// KvLayer's window: 0 where it keeps all.
size_t forgetting_window(const ModelConfig& config, size_t layer, KvKept kept) noexcept {
  return kept == KvKept::kSeen ? config.window(layer) : 0;
}

}  // namespace

void TokenBatch::add(std::span<const int32_t> more, KvCache* cache) {
  const size_t past = cache != nullptr ? cache->length() : 0;
  sequences.push_back({tokens.size(), more.size(), cache});
  tokens.insert(tokens.end(), more.begin(), more.end());
  for (size_t i = 0; i < more.size(); ++i) positions.push_back(static_cast<int32_t>(past + i));
}

TokenBatch TokenBatch::single(std::span<const int32_t> tokens, KvCache* cache) {
  TokenBatch batch;
  batch.add(tokens, cache);
  return batch;
}

KvCache::KvCache(const ModelConfig& config, size_t capacity, KvFormat format)
    : KvCache(config, capacity, format, capacity) {}

KvCache::KvCache(const ModelConfig& config, size_t capacity, KvFormat format, size_t longest, KvKept kept)
    : capacity_(capacity), is_long_(config.is_long(longest)) {
  for (size_t layer = 0; layer < config.n_layers; ++layer)
    layers_.emplace_back(config.n_kv_heads, config.head_dim, capacity, format,
                         forgetting_window(config, layer, kept));
}

size_t KvCache::truncatable(size_t length) const noexcept {
  const bool held = length >= length_ || std::ranges::all_of(layers_, [&](const KvLayer& layer) {
                      return layer.holds_for(length);
                    });
  return held ? length : 0;
}

void KvCache::truncate(size_t length) noexcept {
  HONE_CHECK(truncatable(length) == length, "{} of {} tokens", length, length_);
  length_ = std::min(length_, length);
}

void KvCache::copy_from(const KvCache& other, size_t length) {
  HONE_CHECK(length <= other.length_ && length <= capacity_ && layers_.size() == other.layers_.size() &&
                 is_long_ == other.is_long_,
             "length={} other={} capacity={}", length, other.length_, capacity_);
  for (size_t i = 0; i < layers_.size(); ++i) layers_[i].copy_from(other.layers_[i], length);
  length_ = length;
}

uint64_t KvCache::bytes(const ModelConfig& config, size_t tokens, KvFormat format, KvKept kept) noexcept {
  uint64_t total = 0;
  for (size_t layer = 0; layer < config.n_layers; ++layer)
    total += KvLayer::bytes(config.n_kv_heads, config.head_dim, tokens, format,
                            forgetting_window(config, layer, kept));
  return total;
}

}  // namespace hone
