// Intervals by resampling documents: tokens of one document are not independent, so they stand or fall
// together. Percentile intervals (Efron 1979); the same seed draws the same documents for every quantity, so
// stages measured on the same documents are compared pairwise.
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/rng.h"
#include "eval/evaluate.h"

namespace hone {
namespace {

constexpr size_t kResamples = 2000;
constexpr double kTail = 0.025;

// Calls visit(drawn of n, drawn of m), kResamples times.
template <typename Visit>
void resample_both(size_t n, size_t m, uint64_t seed, Visit visit) {
  Rng rng(seed);
  std::vector<size_t> drawn_n(n), drawn_m(m);
  for (size_t r = 0; r < kResamples; ++r) {
    for (size_t& index : drawn_n) index = rng.below(n);
    for (size_t& index : drawn_m) index = rng.below(m);
    visit(drawn_n, drawn_m);
  }
}

// Calls visit(indices) with n drawn documents, kResamples times.
template <typename Visit>
void resample(size_t n, uint64_t seed, Visit visit) {
  Rng rng(seed);
  std::vector<size_t> drawn(n);
  for (size_t r = 0; r < kResamples; ++r) {
    for (size_t& index : drawn) index = rng.below(n);
    visit(drawn);
  }
}

double ratio(const DocumentScore& total) {
  return total.sum / total.count;
}

DocumentScore total_of(const std::vector<DocumentScore>& documents) {
  DocumentScore total;
  for (const DocumentScore& d : documents) {
    total.sum += d.sum;
    total.count += d.count;
  }
  return total;
}

DocumentScore total_of(const std::vector<DocumentScore>& documents, const std::vector<size_t>& drawn) {
  DocumentScore total;
  for (const size_t i : drawn) {
    total.sum += documents[i].sum;
    total.count += documents[i].count;
  }
  return total;
}

Estimate estimate(double value, double count, std::vector<double> resampled) {
  Estimate out{.value = value,
               .stderr_ = 0,
               .low = value,
               .high = value,
               .n = static_cast<uint64_t>(std::llround(count))};
  if (resampled.size() < 2) return out;
  double mean = 0, squares = 0;
  for (const double v : resampled) mean += v;
  mean /= static_cast<double>(resampled.size());
  for (const double v : resampled) squares += (v - mean) * (v - mean);
  out.stderr_ = std::sqrt(squares / static_cast<double>(resampled.size() - 1));
  std::sort(resampled.begin(), resampled.end());
  out.low = quantile(resampled, kTail);
  out.high = quantile(resampled, 1 - kTail);
  return out;
}

template <typename Transform>
Estimate bootstrap(const std::vector<DocumentScore>& documents, uint64_t seed, Transform transform) {
  const DocumentScore total = total_of(documents);
  if (total.count <= 0) return {};
  std::vector<double> resampled;
  resampled.reserve(kResamples);
  resample(documents.size(), seed, [&](const std::vector<size_t>& drawn) {
    const DocumentScore part = total_of(documents, drawn);
    if (part.count > 0) resampled.push_back(transform(ratio(part)));
  });
  return estimate(transform(ratio(total)), total.count, std::move(resampled));
}

template <typename Transform>
Estimate difference(const std::vector<DocumentScore>& a, const std::vector<DocumentScore>& b, uint64_t seed,
                    Transform transform) {
  HONE_CHECK(a.size() == b.size(), "a={} b={}", a.size(), b.size());
  const DocumentScore all_a = total_of(a), all_b = total_of(b);
  if (all_a.count <= 0 || all_b.count <= 0) return {};
  std::vector<double> resampled;
  resampled.reserve(kResamples);
  resample(a.size(), seed, [&](const std::vector<size_t>& drawn) {
    const DocumentScore part_a = total_of(a, drawn), part_b = total_of(b, drawn);
    if (part_a.count > 0 && part_b.count > 0)
      resampled.push_back(transform(ratio(part_b)) - transform(ratio(part_a)));
  });
  return estimate(transform(ratio(all_b)) - transform(ratio(all_a)), all_b.count, std::move(resampled));
}

}  // namespace

Estimate bootstrap_statistic(size_t n, uint64_t seed, double value,
                             const std::function<double(const std::vector<size_t>&)>& of) {
  HONE_CHECK(n > 0);
  std::vector<double> resampled;
  resampled.reserve(kResamples);
  resample(n, seed, [&](const std::vector<size_t>& drawn) { resampled.push_back(of(drawn)); });
  return estimate(value, static_cast<double>(n), std::move(resampled));
}

double quantile(const std::vector<double>& sorted, double q) {
  const double at = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(at);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

Estimate bootstrap_mean(const std::vector<DocumentScore>& documents, uint64_t seed) {
  return bootstrap(documents, seed, [](double mean) { return mean; });
}

Estimate bootstrap_perplexity(const std::vector<DocumentScore>& documents, uint64_t seed) {
  return bootstrap(documents, seed, [](double mean) { return std::exp(mean); });
}

Estimate bootstrap_root(const std::vector<DocumentScore>& documents, uint64_t seed) {
  return bootstrap(documents, seed, [](double mean) { return std::sqrt(mean); });
}

Estimate mean_difference(const std::vector<DocumentScore>& a, const std::vector<DocumentScore>& b,
                         uint64_t seed) {
  return difference(a, b, seed, [](double mean) { return mean; });
}

Estimate perplexity_difference(const std::vector<DocumentScore>& a, const std::vector<DocumentScore>& b,
                               uint64_t seed) {
  return difference(a, b, seed, [](double mean) { return std::exp(mean); });
}

Estimate mean_gap(const std::vector<DocumentScore>& train, const std::vector<DocumentScore>& held_out,
                  uint64_t seed) {
  const DocumentScore all_train = total_of(train), all_held = total_of(held_out);
  if (all_train.count <= 0 || all_held.count <= 0) return {};
  std::vector<double> resampled;
  resample_both(train.size(), held_out.size(), seed, [&](const auto& of_train, const auto& of_held) {
    const DocumentScore t = total_of(train, of_train), h = total_of(held_out, of_held);
    if (t.count > 0 && h.count > 0) resampled.push_back(ratio(h) - ratio(t));
  });
  return estimate(ratio(all_held) - ratio(all_train), all_held.count, std::move(resampled));
}

Estimate gap_difference(const GapScores& a, const GapScores& b, uint64_t seed) {
  HONE_CHECK(a.train.size() == b.train.size() && a.held_out.size() == b.held_out.size(),
             "train={} and {}, held_out={} and {}", a.train.size(), b.train.size(), a.held_out.size(),
             b.held_out.size());
  const auto gap = [](const GapScores& scores) {
    return ratio(total_of(scores.held_out)) - ratio(total_of(scores.train));
  };
  if (total_of(a.train).count <= 0 || total_of(a.held_out).count <= 0) return {};
  std::vector<double> resampled;
  resample_both(a.train.size(), a.held_out.size(), seed, [&](const auto& of_train, const auto& of_held) {
    const auto drawn = [&](const GapScores& s) {
      return ratio(total_of(s.held_out, of_held)) - ratio(total_of(s.train, of_train));
    };
    const double change = drawn(b) - drawn(a);
    if (std::isfinite(change)) resampled.push_back(change);  // else: a draw of empty documents alone
  });
  return estimate(gap(b) - gap(a), total_of(a.held_out).count, std::move(resampled));
}

std::optional<Estimate> gain_kept(const std::vector<DocumentScore>& base,
                                  const std::vector<DocumentScore>& tuned,
                                  const std::vector<DocumentScore>& candidate, uint64_t seed) {
  HONE_CHECK(base.size() == tuned.size() && base.size() == candidate.size(), "base={} tuned={} candidate={}",
             base.size(), tuned.size(), candidate.size());
  const DocumentScore all = total_of(base), all_tuned = total_of(tuned), all_candidate = total_of(candidate);
  if (all.count <= 0 || all_tuned.count <= 0 || all_candidate.count <= 0) return std::nullopt;
  std::vector<double> gains, kept;
  resample(base.size(), seed, [&](const std::vector<size_t>& drawn) {
    const DocumentScore b = total_of(base, drawn), t = total_of(tuned, drawn), c = total_of(candidate, drawn);
    if (b.count <= 0 || t.count <= 0 || c.count <= 0) return;
    const double gain = ratio(b) - ratio(t);
    gains.push_back(gain);
    if (gain > 0) kept.push_back((ratio(b) - ratio(c)) / gain);
  });
  const double gain = ratio(all) - ratio(all_tuned);
  // One document says nothing about its population; a negative gain is no gain to keep a share of.
  if (base.size() < 2 || gain <= 0 || estimate(gain, 1, std::move(gains)).low <= 0) return std::nullopt;
  return estimate((ratio(all) - ratio(all_candidate)) / gain, all.count, std::move(kept));
}

}  // namespace hone
