#include "runtime/advance.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "base/interrupt.h"

namespace hone {
namespace {

constexpr size_t kForwardTokens = 512;

// How far a feed has got.
struct Progress {
  size_t done = 0, first_logit = 0;
};

}  // namespace

Tensor advance_hidden(const Model& model, OpContext& ctx, std::span<const Feed> feeds) {
  std::vector<Progress> progress(feeds.size());
  size_t n_logits = 0, left = 0;
  for (size_t i = 0; i < feeds.size(); ++i) {
    HONE_CHECK(feeds[i].n_logits <= feeds[i].tokens.size());
    progress[i].first_logit = n_logits;
    n_logits += feeds[i].n_logits;
    left += feeds[i].tokens.size();
  }
  Tensor wanted = Tensor::empty({n_logits, model.config().n_embd});
  while (left > 0) {
    throw_if_interrupted("generating");
    TokenBatch batch;
    std::vector<size_t> members;
    for (size_t i = 0; i < feeds.size() && batch.tokens.size() < kForwardTokens; ++i) {
      const std::span<const TokenId> rest = feeds[i].tokens.subspan(progress[i].done);
      if (rest.empty()) continue;
      batch.add(rest.first(std::min(rest.size(), kForwardTokens - batch.tokens.size())), feeds[i].cache);
      members.push_back(i);
    }
    std::vector<size_t> rows, places;  // of the batch, of `wanted`
    for (size_t m = 0; m < members.size(); ++m) {
      const Feed& feed = feeds[members[m]];
      Progress& at = progress[members[m]];
      const Sequence& s = batch.sequences[m];
      const size_t first = feed.tokens.size() - feed.n_logits;
      for (size_t t = std::max(first, at.done); t < at.done + s.length; ++t) {
        rows.push_back(s.begin + t - at.done);
        places.push_back(at.first_logit + t - first);
      }
      at.done += s.length;
    }
    const Tensor hidden = model.hidden(ctx, batch, Model::Rows(rows));
    for (size_t i = 0; i < rows.size(); ++i)
      std::memcpy(wanted.row(places[i]), hidden.row(i), hidden.cols() * sizeof(float));
    left -= batch.tokens.size();
  }
  return wanted;
}

Tensor advance(const Model& model, OpContext& ctx, std::span<const Feed> feeds) {
  return model.logits(ctx, advance_hidden(model, ctx, feeds));
}

}  // namespace hone
