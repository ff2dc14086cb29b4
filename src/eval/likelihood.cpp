// Items are ordered by their contexts' tokens, so that those with a common beginning (the stem) are
// neighbours. A group of neighbours runs its stem once, then every context behind a copy of it, then the
// first continuation of each, the second of each, … in forwards of some hundred tokens. What a continuation
// begins with like the one before it (half of a PIQA answer, often) is not run again. Small groups, such as
// the two halves of a WinoGrande question, go together: weights are read once a forward, whatever it holds.
#include "eval/likelihood.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/progress.h"
#include "base/round.h"
#include "base/threads.h"
#include "eval/softmax.h"
#include "runtime/advance.h"
#include "runtime/stem.h"

namespace hone {
namespace {

constexpr size_t kBatchTokens = 1024;       // of the groups that go together: stems, and contexts behind them
constexpr uint64_t kBatchBytes = 1u << 29;  // of their caches
constexpr size_t kShortest = 4;             // stem; a copy costs about as much as a token or two
constexpr size_t kLong = 64;  // stems from this on are kept for the next group, which goes alone
// Logits held at a time, and their rows at least and at most: every such chunk unpacks the whole output
// matrix.
constexpr size_t kLogitBytes = 64u << 20, kLeastRows = 64, kMostRows = 1024;

using Tokens = std::vector<TokenId>;

size_t longest_continuation(const LikelihoodItem& item) {
  size_t longest = 0;
  for (const Tokens& c : item.continuations) longest = std::max(longest, c.size());
  return longest;
}

void check(const Model& model, std::span<const LikelihoodItem> items) {
  const size_t vocab = model.config().n_vocab, context = model.config().context_length;
  const auto outside = [&](TokenId id) { return id < 0 || static_cast<size_t>(id) >= vocab; };
  const auto check_tokens = [&](const Tokens& tokens) {
    HONE_CHECK(!tokens.empty());
    if (std::any_of(tokens.begin(), tokens.end(), outside))
      fail(ErrorCode::kInvalidArgument,
           "evaluation: tokens: got an id beyond the model's {} tokens; was the text encoded for another "
           "model?",
           vocab);
  };
  for (const LikelihoodItem& item : items) {
    check_tokens(item.context);
    for (const Tokens& c : item.continuations) check_tokens(c);
    // The last token of a continuation is never read.
    const size_t length = item.context.size() + longest_continuation(item) - 1;
    if (context > 0 && length > context)
      fail(ErrorCode::kInvalidArgument,
           "evaluation: got a text of {} tokens at once, expected at most the model's context of {}", length,
           context);
  }
}

// Neighbours in the order of contexts, and how many tokens all of them begin with.
struct Group {
  size_t begin = 0, end = 0, stem = 0;
  size_t tokens = 0;   // to be run: the stem, and the contexts behind it
  uint64_t bytes = 0;  // of the contexts' caches
  size_t size() const noexcept { return end - begin; }
};

class Evaluation {
 public:
  Evaluation(const Candidate& candidate, std::span<const LikelihoodItem> items)
      : model_(*candidate.model),
        format_(cache_format(candidate)),
        ctx_{.tape = nullptr, .compute = candidate.compute, .observer = nullptr},
        items_(items),
        order_(items.size()),
        results_(items.size()),
        stem_(*candidate.model, format_) {
    std::iota(order_.begin(), order_.end(), size_t{0});
    std::stable_sort(order_.begin(), order_.end(),
                     [&](size_t a, size_t b) { return items_[a].context < items_[b].context; });
    for (size_t i = 0; i < items.size(); ++i) results_[i].resize(items[i].continuations.size());
    scratch_.resize(static_cast<size_t>(thread_pool().size()));
    for (std::vector<float>& s : scratch_) s.resize(model_.config().n_vocab);
  }

  std::vector<std::vector<Likelihood>> run(const std::string& label) {
    Progress progress(label, items_.size(), "items");
    for (size_t at = 0; at < order_.size();) {
      throw_if_interrupted("evaluation");
      const std::vector<Group> batch = next_batch(at);
      run_batch(batch);
      at = batch.back().end;
      progress.update(at);
    }
    progress.finish();
    return std::move(results_);
  }

 private:
  const LikelihoodItem& item(size_t at) const { return items_[order_[at]]; }
  size_t capacity(size_t at) const { return item(at).context.size() + longest_continuation(item(at)); }
  bool is_long(size_t at) const { return model_.config().is_long(capacity(at)); }

  // The last token of a context is always run: its logits are wanted.
  std::span<const TokenId> beginning(size_t at) const {
    return std::span(item(at).context).first(item(at).context.size() - 1);
  }

  Group next_group(size_t begin) const {
    Group group{.begin = begin, .end = begin + 1, .tokens = item(begin).context.size()};
    group.bytes = KvCache::bytes(model_.config(), capacity(begin), format_);
    size_t total = group.tokens;  // of all contexts, whole
    for (size_t at = begin + 1; at < order_.size(); ++at) {
      const size_t n = group.size();
      if (is_long(at) != is_long(begin)) break;  // their keys are turned differently
      size_t stem = common_beginning(beginning(begin), beginning(at));
      if (n > 1) stem = std::min(stem, group.stem);
      // Worth it where it saves more than leaving the new one out.
      if (stem < kShortest || stem * n < group.stem * (n - 1)) break;
      const size_t tokens = total + item(at).context.size() - stem * n;
      const uint64_t bytes = group.bytes + KvCache::bytes(model_.config(), capacity(at), format_);
      if (n > 1 && (tokens - stem > kBatchTokens || bytes > kBatchBytes)) break;
      total += item(at).context.size();
      group = {.begin = begin, .end = at + 1, .stem = stem, .tokens = tokens, .bytes = bytes};
    }
    return group;
  }

  // Groups that run together; one with a long stem, or behind one that is kept, runs alone.
  std::vector<Group> next_batch(size_t begin) const {
    std::vector<Group> batch;
    size_t tokens = 0;
    uint64_t bytes = 0;
    while (begin < order_.size()) {
      Group group = next_group(begin);
      const size_t kept =
          std::min(stem_.common(beginning(begin), capacity(begin)), group.size() > 1 ? group.stem : SIZE_MAX);
      const bool alone = group.stem >= kLong || kept >= kLong;
      if (!batch.empty() &&
          (alone || tokens + group.tokens > kBatchTokens || bytes + group.bytes > kBatchBytes))
        break;
      if (alone && group.size() == 1) group.stem = kept;
      tokens += group.tokens;
      bytes += group.bytes;
      begin = group.end;
      batch.push_back(group);
      if (alone) break;
    }
    return batch;
  }

  void run_batch(const std::vector<Group>& batch) {
    std::vector<KvCache> caches;
    caches.reserve(batch.back().end - batch.front().begin);
    for (size_t at = batch.front().begin; at < batch.back().end; ++at)
      caches.emplace_back(model_.config(), capacity(at), format_);
    run_stems(batch, caches);
    std::vector<Feed> feeds;
    for (const Group& group : batch)
      for (size_t at = group.begin; at < group.end; ++at)
        feeds.push_back(
            {std::span(item(at).context).subspan(group.stem), &caches[at - batch.front().begin], 1});
    const Group whole{.begin = batch.front().begin, .end = batch.back().end};
    add_rows(advance_hidden(model_, ctx_, feeds), first_tokens(whole));
    size_t rounds = 0;
    for (size_t at = whole.begin; at < whole.end; ++at)
      rounds = std::max(rounds, item(at).continuations.size());
    for (size_t round = 0; round < rounds; ++round) run_round(whole, round, caches);
  }

  // Every cache gets its group's stem: a long one from what is kept, short ones all in one forward, each in
  // the cache of its group's first context.
  void run_stems(const std::vector<Group>& batch, std::vector<KvCache>& caches) {
    const size_t first = batch.front().begin;
    if (batch.size() == 1 && batch[0].stem >= kLong) {
      stem_.become(ctx_, std::span(item(first).context).first(batch[0].stem), capacity(first));
      for (KvCache& cache : caches) stem_.copy_to(cache, batch[0].stem);
      return;
    }
    std::vector<Feed> feeds;
    for (const Group& group : batch)
      if (group.stem > 0)
        feeds.push_back(
            {std::span(item(group.begin).context).first(group.stem), &caches[group.begin - first], 0});
    if (feeds.empty()) return;
    advance_hidden(model_, ctx_, feeds);
    for (const Group& group : batch)
      for (size_t at = group.begin + 1; group.stem > 0 && at < group.end; ++at)
        caches[at - first].copy_from(caches[group.begin - first], group.stem);
  }

  // What one row of logits is asked: log p of a token, for a result.
  struct Ask {
    TokenId token;
    Likelihood* to;
  };
  using Asks = std::vector<std::vector<Ask>>;  // per row

  Asks first_tokens(const Group& group) {
    Asks asks;
    for (size_t at = group.begin; at < group.end; ++at) {
      std::vector<Ask>& row = asks.emplace_back();
      for (size_t j = 0; j < item(at).continuations.size(); ++j)
        row.push_back({item(at).continuations[j][0], &results_[order_[at]][j]});
    }
    return asks;
  }

  // Tokens of continuation j that the one before it has run: their states stand in the cache, and their rows
  // were asked for both.
  size_t shared(size_t at, size_t j) const {
    if (j == 0) return 0;
    const Tokens &before = item(at).continuations[j - 1], &c = item(at).continuations[j];
    return common_beginning(std::span(before).first(before.size() - 1), std::span(c).first(c.size() - 1));
  }

  // What the rows of continuation `round` from `first` on are asked: its own next tokens, and those of later
  // continuations as long as they share the row.
  void ask_rows(size_t at, size_t round, size_t first, Asks& asks) {
    const std::vector<Tokens>& all = item(at).continuations;
    const size_t base = asks.size();
    size_t end = all[round].size() - 1;
    asks.resize(base + end - first);
    for (size_t j = round; j < all.size(); ++j) {
      if (j > round) end = std::min(end, shared(at, j));
      for (size_t t = first; t < end; ++t)
        asks[base + t - first].push_back({all[j][t + 1], &results_[order_[at]][j]});
    }
  }

  // Continuation `round` of each item that has more of it to run.
  void run_round(const Group& group, size_t round, std::vector<KvCache>& caches) {
    std::vector<Feed> feeds;
    Asks asks;
    for (size_t at = group.begin; at < group.end; ++at) {
      if (round >= item(at).continuations.size()) continue;
      const Tokens& c = item(at).continuations[round];
      const size_t first = shared(at, round), n = c.size() - 1 - first;
      KvCache& cache = caches[at - group.begin];
      cache.truncate(item(at).context.size() + first);
      if (n == 0) continue;
      feeds.push_back({std::span(c).subspan(first, n), &cache, n});
      ask_rows(at, round, first, asks);
    }
    if (!feeds.empty()) add_rows(advance_hidden(model_, ctx_, feeds), asks);
  }

  void add_rows(const Tensor& hidden, const Asks& asks) {
    HONE_CHECK(hidden.rows() == asks.size());
    const size_t most =
        std::clamp(kLogitBytes / (model_.config().n_vocab * sizeof(float)), kLeastRows, kMostRows);
    const size_t step = ceil_div(asks.size(), std::max<size_t>(1, ceil_div(asks.size(), most)));
    for (size_t begin = 0; begin < asks.size(); begin += step) {
      const size_t n = std::min(step, asks.size() - begin);
      Tensor picked = Tensor::empty({n, hidden.cols()});
      std::memcpy(picked.data(), hidden.row(begin), n * hidden.cols() * sizeof(float));
      const Tensor logits = model_.logits(ctx_, picked);
      std::vector<Softmax> rows(n);
      thread_pool().run(n, [&](size_t i, int worker) {
        rows[i] = softmax({logits.row(i), logits.cols()}, scratch_[static_cast<size_t>(worker)]);
      });
      for (size_t i = 0; i < n; ++i) {
        for (const Ask& ask : asks[begin + i]) add(ask, logits.row(i), rows[i]);
      }
    }
  }

  static void add(const Ask& ask, const float* logits, const Softmax& row) {
    const double log_p = static_cast<double>(logits[ask.token]) - row.log_z;
    if (!std::isfinite(log_p))
      fail(ErrorCode::kCorruption,
           "evaluation: log-likelihood: got {}, expected a finite number; the model's weights are damaged",
           log_p);
    ask.to->sum += log_p;
    ask.to->n_tokens += 1;
    ask.to->greedy = ask.to->greedy && static_cast<size_t>(ask.token) == row.top;
  }

  const Model& model_;
  KvFormat format_;
  OpContext ctx_;
  std::span<const LikelihoodItem> items_;
  std::vector<size_t> order_;
  std::vector<std::vector<Likelihood>> results_;
  Stem stem_;  // of the group; what the last group's has in common stays
  std::vector<std::vector<float>> scratch_;
};

}  // namespace

KvFormat cache_format(const Candidate& candidate) noexcept {
  return candidate.cache_type.value_or(candidate.compute == ComputeMode::kPrecise ? KvFormat::kF32
                                                                                  : KvFormat::kF16);
}

std::vector<std::vector<Likelihood>> likelihoods(const Candidate& candidate,
                                                 std::span<const LikelihoodItem> items,
                                                 const std::string& progress_label) {
  check(*candidate.model, items);
  return Evaluation(candidate, items).run(progress_label);
}

}  // namespace hone
