// The sampler chain, in llama.cpp's order and with its rules, over our own random numbers.
#include "runtime/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_set>

#include "base/error.h"
#include "ops/rows.h"

namespace hone {
namespace {

template <typename T>
[[noreturn]] void out_of_range(const char* option, T value, const char* range) {
  fail(ErrorCode::kInvalidArgument, "sampling: {}: got {}, expected {}", option, value, range);
}

// Positive logits are divided, negative ones multiplied, once per distinct token of the window (Keskar et al.
// 2019, with llama.cpp's treatment of signs).
void penalize(std::vector<float>& logits, std::span<const TokenId> history, const SamplingOptions& options) {
  if (options.repeat_penalty == 1.0f || options.repeat_last_n == 0) return;
  const size_t window = options.repeat_last_n < 0
                            ? history.size()
                            : std::min(history.size(), static_cast<size_t>(options.repeat_last_n));
  std::unordered_set<TokenId> seen;
  for (const TokenId id : history.last(window)) {
    if (id < 0 || static_cast<size_t>(id) >= logits.size() || !seen.insert(id).second) continue;
    float& logit = logits[static_cast<size_t>(id)];
    logit = logit <= 0 ? logit * options.repeat_penalty : logit / options.repeat_penalty;
  }
}

void softmax(std::vector<TokenProbability>& sorted, std::span<const float> logits, float temperature) {
  const float max = logits[static_cast<size_t>(sorted.front().id)];
  double sum = 0;
  for (TokenProbability& candidate : sorted) {
    candidate.p = std::exp(static_cast<double>(logits[static_cast<size_t>(candidate.id)] - max) /
                           static_cast<double>(temperature));
    sum += candidate.p;
  }
  for (TokenProbability& candidate : sorted) candidate.p /= sum;
}

void keep_top_k(std::vector<TokenProbability>& candidates, std::span<const float> logits, int k) {
  const auto before = [&](const TokenProbability& a, const TokenProbability& b) {
    const float x = logits[static_cast<size_t>(a.id)], y = logits[static_cast<size_t>(b.id)];
    return x > y || (x == y && a.id < b.id);
  };
  const size_t n = k > 0 ? std::min(candidates.size(), static_cast<size_t>(k)) : candidates.size();
  std::partial_sort(candidates.begin(), candidates.begin() + static_cast<std::ptrdiff_t>(n), candidates.end(),
                    before);
  candidates.resize(n);
}

void keep_top_p(std::vector<TokenProbability>& sorted, std::span<const float> logits, float p) {
  if (p >= 1.0f) return;
  softmax(sorted, logits, 1.0f);
  double sum = 0;
  for (size_t i = 0; i < sorted.size(); ++i) {
    sum += sorted[i].p;
    if (sum >= static_cast<double>(p)) return sorted.resize(i + 1);
  }
}

void keep_min_p(std::vector<TokenProbability>& sorted, std::span<const float> logits, float p) {
  if (p <= 0.0f) return;
  const float least = logits[static_cast<size_t>(sorted.front().id)] + std::log(p);
  while (sorted.size() > 1 && logits[static_cast<size_t>(sorted.back().id)] < least) sorted.pop_back();
}

}  // namespace

void validate(const SamplingOptions& options) {
  // Written so that NaN fails too.
  if (!(options.temperature >= 0.0f && options.temperature <= 100.0f))
    out_of_range("temperature", options.temperature, "0 (greedy) to 100");
  if (options.top_k < 0) out_of_range("top_k", options.top_k, "0 (off) or more");
  if (!(options.top_p > 0.0f && options.top_p <= 1.0f))
    out_of_range("top_p", options.top_p, "more than 0, at most 1 (off)");
  if (!(options.min_p >= 0.0f && options.min_p <= 1.0f)) out_of_range("min_p", options.min_p, "0 (off) to 1");
  if (!(options.repeat_penalty > 0.0f && options.repeat_penalty <= 100.0f))
    out_of_range("repeat_penalty", options.repeat_penalty, "more than 0, at most 100; 1 is off");
  if (options.repeat_last_n < -1)
    out_of_range("repeat_last_n", options.repeat_last_n, "-1 (the whole context), 0 (off) or more");
}

std::vector<TokenProbability> sampling_distribution(std::span<const float> logits,
                                                    std::span<const TokenId> history,
                                                    const SamplingOptions& options) {
  HONE_CHECK(!logits.empty());
  if (row_is_damaged(logits))
    fail(ErrorCode::kCorruption,
         "sampling: logits: got NaN or infinity, expected finite numbers; the model's weights are damaged");
  std::vector<float> adjusted(logits.begin(), logits.end());
  penalize(adjusted, history, options);
  if (options.temperature <= 0.0f) {
    const float largest = row_max(adjusted);
    const auto top = std::find(adjusted.begin(), adjusted.end(), largest);  // the first of equals
    return {{static_cast<TokenId>(top - adjusted.begin()), 1.0}};
  }
  std::vector<TokenProbability> candidates(adjusted.size());
  for (size_t i = 0; i < candidates.size(); ++i) candidates[i] = {static_cast<TokenId>(i), 0.0};
  keep_top_k(candidates, adjusted, options.top_k);
  keep_top_p(candidates, adjusted, options.top_p);
  keep_min_p(candidates, adjusted, options.min_p);
  softmax(candidates, adjusted, options.temperature);
  return candidates;
}

TokenId draw(std::span<const TokenProbability> candidates, Rng& rng) {
  if (candidates.size() == 1) return candidates.front().id;
  const double u = rng.uniform();
  double sum = 0;
  for (const TokenProbability& candidate : candidates) {
    sum += candidate.p;
    if (u < sum) return candidate.id;
  }
  return candidates.back().id;  // u lies in the rounding gap below 1
}

TokenId sample(std::span<const float> logits, std::span<const TokenId> history,
               const SamplingOptions& options, Rng& rng) {
  return draw(sampling_distribution(logits, history, options), rng);
}

}  // namespace hone
