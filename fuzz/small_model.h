// A llama of a few kilobytes for targets that need a base, and what a loaded model must be able to do.
#pragma once

#include "base/error.h"
#include "io/memory_source.h"
#include "models/model.h"
#include "ops/context.h"
#include "tune/testing.h"

namespace hone {

inline Model& small_model() {
  static MemorySource source = testing::tiny_llama(
      {.n_layers = 2, .n_embd = 32, .n_ff = 32, .n_heads = 4, .n_kv_heads = 2, .context = 64});
  static Model model(source);
  return model;
}

// A few tokens at once, then one more behind a cache. Numbers may be anything, their count may not.
inline void run_forward(const Model& model) {
  const auto vocabulary = static_cast<int32_t>(model.config().n_vocab);
  KvCache cache(model.config(), 4);
  for (const std::vector<int32_t>& ids :
       {std::vector<int32_t>{0, vocabulary - 1, vocabulary / 2}, std::vector<int32_t>{vocabulary / 3}}) {
    OpContext ctx;
    const Tensor logits = model.logits(ctx, model.hidden(ctx, TokenBatch::single(ids, &cache)));
    HONE_CHECK(logits.rows() == ids.size() && logits.cols() == model.config().n_vocab, "rows={}",
               logits.rows());
  }
}

}  // namespace hone
