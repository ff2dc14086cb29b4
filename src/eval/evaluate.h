// Evaluators: one file each, listed in evaluator_list.cpp. All measure any number of candidates in lock-step
// with an optional reference, on the same items; nothing vocabulary-sized is stored.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace hone {

// Per-document sums, the unit of the bootstrap.
struct DocumentScore {
  double sum = 0;
  double count = 0;
};

struct Estimate {
  double value = 0;    // sum / count over documents
  double stderr_ = 0;  // bootstrap over documents
  double low = 0, high = 0;
  uint64_t n = 0;  // total count
};

// Ratio-of-sums estimate with a seeded bootstrap (2000 resamples) over documents.
Estimate bootstrap_mean(const std::vector<DocumentScore>& documents, uint64_t seed = 42);
// exp() of the mean, interval transformed.
Estimate bootstrap_perplexity(const std::vector<DocumentScore>& documents, uint64_t seed = 42);
// Square root of the mean, interval transformed.
Estimate bootstrap_root(const std::vector<DocumentScore>& documents, uint64_t seed = 42);
// A statistic of n things that is no mean of them: `of` gets the indices of each of the 2000 draws.
Estimate bootstrap_statistic(size_t n, uint64_t seed, double value,
                             const std::function<double(const std::vector<size_t>&)>& of);
// Between order statistics, linearly (numpy's default); `sorted` is not empty, q from 0 to 1.
double quantile(const std::vector<double>& sorted, double q);
// b - a in mean and in perplexity, paired: both over the same drawn documents. The two must have as many.
Estimate mean_difference(const std::vector<DocumentScore>& a, const std::vector<DocumentScore>& b,
                         uint64_t seed = 42);
Estimate perplexity_difference(const std::vector<DocumentScore>& a, const std::vector<DocumentScore>& b,
                               uint64_t seed = 42);
// Mean of `held_out` - mean of `train`: what a model knows of the data it was trained on beyond the kind. The
// documents of the two are drawn independently.
Estimate mean_gap(const std::vector<DocumentScore>& train, const std::vector<DocumentScore>& held_out,
                  uint64_t seed = 42);
// A model's documents of both kinds.
struct GapScores {
  std::vector<DocumentScore> train, held_out;
};
// b's gap - a's, paired: both over the same drawn documents.
Estimate gap_difference(const GapScores& a, const GapScores& b, uint64_t seed = 42);
// Share of the gain (base - tuned) that `candidate` keeps: (base - candidate) / (base - tuned), paired over
// the same documents. nullopt when the 95 % interval of the gain includes zero.
std::optional<Estimate> gain_kept(const std::vector<DocumentScore>& base,
                                  const std::vector<DocumentScore>& tuned,
                                  const std::vector<DocumentScore>& candidate, uint64_t seed = 42);

enum class PerplexityConvention {
  kLlamaCpp,  // windows of `context`; the first half of each is context only; BOS replaces the first token if
              // the model adds one
  kPaper,     // windows of `context`, every token but the first scored
};
const char* convention_name(PerplexityConvention convention) noexcept;

// One thing to score: tokens of a window or a chat, and which positions count (targets as in PackedBatch).
struct ScoreItem {
  TokenBatch batch;
  std::vector<int32_t> targets;
  size_t document = 0;
};
std::vector<ScoreItem> perplexity_items(const Tokenizer& tokenizer, const std::string& text,
                                        PerplexityConvention convention, size_t context,
                                        size_t max_windows = 0);
std::vector<ScoreItem> chat_items(const Dataset& dataset);

struct Candidate {
  const Model* model = nullptr;
  ComputeMode compute = ComputeMode::kFast;
  // Reads each item in pieces through a cache of this type, as generating does; default: without a cache.
  std::optional<KvFormat> cache_type = std::nullopt;
};
struct Scores {
  std::vector<DocumentScore> nll;   // sum of -log p(target)
  std::vector<DocumentScore> kl;    // sum of KL(reference || candidate); empty without a reference
  std::vector<DocumentScore> top1;  // agreements of the arg max
};
// One scored token, for evaluators that need more than sums. What compares is 0 without a reference.
struct TokenScore {
  size_t item = 0;      // which of the items
  size_t document = 0;  // the item's
  size_t position = 0;  // in the item, of the token before the target
  int32_t target = 0;
  bool hit = false;  // the target is the most likely token: greedy choice would write it
  double nll = 0;
  bool reference_hit = false, top1 = false;  // top1: both have the same most likely token
  double reference_nll = 0, kl = 0;
  // Only where score() is asked for them, as they take two more passes over the vocabulary:
  double js = 0;    // Jensen-Shannon divergence, nats
  double top5 = 0;  // share of the reference's five most likely tokens that are among the model's five
};
// Called for every token of every candidate, from one thread; an item's tokens come in order.
using TokenSink = std::function<void(size_t candidate, const TokenScore& token)>;

// Scores every candidate on every item; reference, when given, always runs in f32. distributions: the sink
// needs TokenScore::js and top5, which take a reference. Returns one Scores per
// candidate. Throws kInvalidArgument (vocabularies that differ, tokens beyond them, items longer than the
// context), kCorruption (losses that are not finite), kCancelled.
std::vector<Scores> score(const std::vector<Candidate>& candidates, const Model* reference,
                          const std::vector<ScoreItem>& items, const std::string& progress_label,
                          const TokenSink& sink = {}, bool distributions = false);

// Per document: bits of loss as the sum, bytes of the targets' text as the count.
std::vector<DocumentScore> bits_by_byte(const std::vector<DocumentScore>& nll,
                                        const std::vector<ScoreItem>& items, const Tokenizer& tokenizer);

}  // namespace hone
