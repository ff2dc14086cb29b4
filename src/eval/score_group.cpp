#include "eval/score_group.h"

#include <algorithm>
#include <cstring>

namespace hone {
namespace {

constexpr size_t kBatchTokens = 1024;  // short items are put together up to this
constexpr size_t kPieceTokens = 32;    // through a cache

void append(const ScoreItem& item, size_t index, ScoreGroup& group) {
  const size_t begin = group.batch.tokens.size();
  const auto add = [](auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); };
  add(group.batch.tokens, item.batch.tokens);
  add(group.batch.positions, item.batch.positions);
  for (size_t t = 0; t < item.targets.size(); ++t) {
    if (item.targets[t] < 0) continue;
    group.rows.push_back(begin + t);
    group.targets.push_back(item.targets[t]);
    TokenScore& place = group.places.emplace_back();
    place.item = index;
    place.document = item.document;
    place.position = t;
    place.target = item.targets[t];
  }
  for (const Sequence& s : item.batch.sequences) group.batch.sequences.push_back({begin + s.begin, s.length});
}

// Hidden states of the wanted rows, each sequence read kPieceTokens at a time over a cache.
Tensor hidden_through_caches(const Model& model, OpContext& ctx, const TokenBatch& batch,
                             std::span<const size_t> wanted, KvFormat format) {
  std::vector<KvCache> caches;
  caches.reserve(batch.sequences.size());
  size_t longest = 0;
  for (const Sequence& s : batch.sequences) {
    caches.emplace_back(model.config(), s.length, format);
    longest = std::max(longest, s.length);
  }
  Tensor all = Tensor::empty({batch.tokens.size(), model.config().n_embd});
  for (size_t done = 0; done < longest; done += kPieceTokens) {
    TokenBatch piece;
    std::vector<size_t> rows;  // of `out`
    for (size_t i = 0; i < caches.size(); ++i) {
      const Sequence& s = batch.sequences[i];
      if (s.length <= done) continue;
      const size_t n = std::min(kPieceTokens, s.length - done);
      piece.add(std::span(batch.tokens).subspan(s.begin + done, n), &caches[i]);
      for (size_t t = 0; t < n; ++t) rows.push_back(s.begin + done + t);
    }
    const Tensor hidden = model.hidden(ctx, piece);
    for (size_t r = 0; r < rows.size(); ++r)
      std::memcpy(all.row(rows[r]), hidden.row(r), hidden.cols() * sizeof(float));
  }
  return take_rows(ctx, all, wanted);
}

}  // namespace

ScoreGroup next_group(const std::vector<ScoreItem>& items, size_t begin, size_t* end) {
  ScoreGroup group;
  size_t i = begin;
  for (; i < items.size(); ++i) {
    if (i > begin && group.batch.tokens.size() + items[i].batch.tokens.size() > kBatchTokens) break;
    append(items[i], i, group);
  }
  *end = i;
  return group;
}

Tensor hidden_of(const Candidate& candidate, const ScoreGroup& group) {
  OpContext ctx{.tape = nullptr, .compute = candidate.compute, .observer = nullptr};
  if (!candidate.cache_type) return candidate.model->hidden(ctx, group.batch, Model::Rows(group.rows));
  return hidden_through_caches(*candidate.model, ctx, group.batch, group.rows, *candidate.cache_type);
}

}  // namespace hone
