// A second model as the draft, with a cache of its own that follows the text.
#include <algorithm>
#include <optional>

#include "base/error.h"
#include "ops/rows.h"
#include "runtime/advance.h"
#include "runtime/draft.h"

namespace hone {
namespace {

constexpr double kSure = 0.4;  // a token less likely than this to the draft ends its guesses

class ModelDraft final : public Draft {
 public:
  ModelDraft(const Model& model, const SamplingOptions& sampling) : model_(model), sampling_(sampling) {}

  uint64_t bytes(size_t capacity) const override {
    return KvCache::bytes(model_.config(), capacity, KvFormat::kF16);
  }

  void begin(std::span<const TokenId> prompt, size_t capacity) override {
    cache_.emplace(model_.config(), capacity);
    seen_.clear();
    if (prompt.size() > 1) follow(prompt.first(prompt.size() - 1));
  }

  std::vector<DraftToken> propose(std::span<const TokenId> history, size_t n, Rng& rng) override {
    n = std::min(n, room(history.size()));
    std::vector<DraftToken> guesses;
    std::vector<TokenId> text(history.begin(), history.end());
    while (guesses.size() < n) {
      const Tensor logits = follow(text);
      const std::span<float> row(logits.data(), logits.cols());
      DraftToken guess;
      guess.drawn_from = sampling_distribution(row, text, sampling_);
      guess.id = draw(guess.drawn_from, rng);
      // The decision must not look at the guess drawn here: the distribution of what is kept would shift.
      if (!is_sure(row)) break;
      text.push_back(guess.id);
      guesses.push_back(std::move(guess));
    }
    return guesses;
  }

 private:
  size_t room(size_t length) const {
    size_t most = cache_->capacity();
    if (model_.config().context_length > 0) most = std::min(most, model_.config().context_length);
    return most > length ? most - length : 0;
  }

  // Logits after the last token of `text`; forgets what it has seen beyond.
  Tensor follow(std::span<const TokenId> text) {
    const auto differ = std::mismatch(seen_.begin(), seen_.end(), text.begin(), text.end()).first;
    const size_t same = std::min(static_cast<size_t>(differ - seen_.begin()), text.size() - 1);
    cache_->truncate(same);
    seen_.assign(text.begin(), text.end());
    OpContext ctx;
    const Feed feed{text.subspan(same), &*cache_};
    return advance(model_, ctx, std::span(&feed, 1));
  }

  // Overwrites the row.
  static bool is_sure(std::span<float> row) { return 1.0 / row_exp(row, row_max(row), row) >= kSure; }

  const Model& model_;
  SamplingOptions sampling_;
  std::optional<KvCache> cache_;
  std::vector<TokenId> seen_;
};

}  // namespace

std::unique_ptr<Draft> make_model_draft(const Model& draft, const Model& model,
                                        const SamplingOptions& sampling) {
  if (draft.config().n_vocab != model.config().n_vocab)
    fail(ErrorCode::kInvalidArgument,
         "draft model: got a vocabulary of {} tokens, expected the model's {}; a draft must share its "
         "tokenizer",
         draft.config().n_vocab, model.config().n_vocab);
  return std::make_unique<ModelDraft>(draft, sampling);
}

}  // namespace hone
