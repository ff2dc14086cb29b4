// What a forward is given: tokens of one or several sequences, and their caches.
#include "models/model.h"

namespace hone {

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

KvCache::KvCache(const ModelConfig& config, size_t capacity, KvFormat format) : capacity_(capacity) {
  for (size_t layer = 0; layer < config.n_layers; ++layer)
    layers_.emplace_back(config.n_kv_heads, config.head_dim, capacity, format);
}

uint64_t KvCache::bytes(const ModelConfig& config, size_t tokens, KvFormat format) noexcept {
  return config.n_layers * KvLayer::bytes(config.n_kv_heads, config.head_dim, tokens, format);
}

}  // namespace hone
