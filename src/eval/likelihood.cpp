// Items are ordered by their contexts' tokens, so that those with a common beginning (the stem) are
// neighbours. A group of neighbours runs its stem once, then every context behind a copy of it, then the
// first continuation of each, the second of each, … in forwards of some hundred tokens.
#include "eval/likelihood.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/progress.h"
#include "base/threads.h"
#include "eval/softmax.h"
#include "runtime/advance.h"
#include "runtime/stem.h"

namespace hone {
namespace {

constexpr size_t kGroupTokens = 1024;       // of contexts behind the stem
constexpr uint64_t kGroupBytes = 1u << 29;  // of their caches
constexpr size_t kLogitRows = 64;           // logits rows held at a time

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
      const Group group = next_group(at);
      run_group(group);
      at = group.end;
      progress.update(at);
    }
    progress.finish();
    return std::move(results_);
  }

 private:
  const LikelihoodItem& item(size_t at) const { return items_[order_[at]]; }
  size_t capacity(size_t at) const { return item(at).context.size() + longest_continuation(item(at)); }

  Group next_group(size_t begin) const {
    // The last token of a context is always run: its logits are wanted.
    const auto beginning = [&](size_t at) {
      return std::span(item(at).context).first(item(at).context.size() - 1);
    };
    Group group{.begin = begin, .end = begin + 1, .stem = beginning(begin).size()};
    size_t total = item(begin).context.size();
    uint64_t bytes = KvCache::bytes(model_.config(), capacity(begin), format_);
    for (size_t at = begin + 1; at < order_.size(); ++at) {
      const size_t stem = std::min(group.stem, common_beginning(beginning(begin), beginning(at)));
      const size_t n = at + 1 - begin;
      const bool keeps = stem >= kMinStem || group.stem < kMinStem || n == 2;
      const size_t more = total + item(at).context.size();
      const size_t work = more - (stem >= kMinStem ? stem * n : 0);
      bytes += KvCache::bytes(model_.config(), capacity(at), format_);
      if (!keeps || work > kGroupTokens || bytes > kGroupBytes) break;
      group.stem = stem;
      group.end = at + 1;
      total = more;
    }
    if (group.end == begin + 1) group.stem = stem_.common(beginning(begin));  // the last group's, if any
    if (group.stem < kMinStem) group.stem = 0;
    return group;
  }

  void run_group(const Group& group) {
    if (group.stem > 0) stem_.become(ctx_, std::span(item(group.begin).context).first(group.stem));
    std::vector<KvCache> caches;
    std::vector<Feed> feeds;
    caches.reserve(group.end - group.begin);
    for (size_t at = group.begin; at < group.end; ++at) {
      caches.emplace_back(model_.config(), capacity(at), format_);
      if (group.stem > 0) stem_.copy_to(caches.back(), group.stem);
      feeds.push_back({std::span(item(at).context).subspan(group.stem), &caches.back(), 1});
    }
    add_rows(advance_hidden(model_, ctx_, feeds), first_tokens(group));
    size_t rounds = 0;
    for (size_t at = group.begin; at < group.end; ++at)
      rounds = std::max(rounds, item(at).continuations.size());
    for (size_t round = 0; round < rounds; ++round) run_round(group, round, caches);
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

  // Continuation `round` of each item that has one of several tokens.
  void run_round(const Group& group, size_t round, std::vector<KvCache>& caches) {
    std::vector<Feed> feeds;
    Asks asks;
    for (size_t at = group.begin; at < group.end; ++at) {
      if (round >= item(at).continuations.size()) continue;
      const Tokens& c = item(at).continuations[round];
      if (c.size() < 2) continue;
      KvCache& cache = caches[at - group.begin];
      cache.truncate(item(at).context.size());
      feeds.push_back({std::span(c).first(c.size() - 1), &cache, c.size() - 1});
      for (size_t t = 1; t < c.size(); ++t) asks.push_back({{c[t], &results_[order_[at]][round]}});
    }
    if (!feeds.empty()) add_rows(advance_hidden(model_, ctx_, feeds), asks);
  }

  void add_rows(const Tensor& hidden, const Asks& asks) {
    HONE_CHECK(hidden.rows() == asks.size());
    for (size_t begin = 0; begin < asks.size(); begin += kLogitRows) {
      const size_t n = std::min(kLogitRows, asks.size() - begin);
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
