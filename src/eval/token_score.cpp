#include "eval/token_score.h"

#include <algorithm>
#include <cmath>

namespace hone {
namespace {

double total(std::span<const float> weights) {
  double sum = 0;
  for (const float w : weights) sum += static_cast<double>(w);
  return sum;
}

// (1 + d) log(1 + d) + (1 - d) log(1 - d) for d from -1 to 1. Most tokens of two similar models have small d,
// where the series is exact to rounding and needs no logarithm.
double entropy_gap(double d) {
  const double s = d * d;
  constexpr double kSmall = 1.0 / 16;  // d below a quarter
  if (s < kSmall)
    return s * (1 + s * (1.0 / 6 + s * (1.0 / 15 + s * (1.0 / 28 + s * (1.0 / 45 + s * (1.0 / 66))))));
  const auto term = [](double x) { return x > 0 ? x * std::log(x) : 0.0; };
  return term(1 + d) + term(1 - d);
}

}  // namespace

double LogitRow::nll(int32_t target) const {
  return softmax.log_z - static_cast<double>(logits[static_cast<size_t>(target)]);
}

std::span<const uint32_t> top_tokens(std::span<const float> logits, std::array<uint32_t, kTopTokens>& out) {
  size_t n = 0;
  for (size_t v = 0; v < logits.size(); ++v) {
    if (n == kTopTokens && !(logits[v] > logits[out[n - 1]])) continue;
    size_t at = n < kTopTokens ? n++ : n - 1;
    for (; at > 0 && logits[v] > logits[out[at - 1]]; --at) out[at] = out[at - 1];
    out[at] = static_cast<uint32_t>(v);
  }
  return std::span(out).first(n);
}

double kl_divergence(const LogitRow& reference, const LogitRow& own) {
  double divergence = 0, sum = 0;
  for (size_t v = 0; v < own.logits.size(); ++v) {
    const double w = static_cast<double>(reference.weights[v]);
    sum += w;
    divergence += w * (static_cast<double>(reference.logits[v]) - static_cast<double>(own.logits[v]));
  }
  // Rounding alone can make the divergence of all but equal distributions negative.
  return std::max(0.0, divergence / sum + own.softmax.log_z - reference.softmax.log_z);
}

double js_divergence(const LogitRow& reference, const LogitRow& own) {
  constexpr double kLeast = 1e-12;
  const double scale_p = 1 / total(reference.weights), scale_q = 1 / total(own.weights);
  double divergence = 0;
  for (size_t v = 0; v < own.weights.size(); ++v) {
    const double p = static_cast<double>(reference.weights[v]) * scale_p;
    const double q = static_cast<double>(own.weights[v]) * scale_q;
    if (p + q < kLeast) continue;
    divergence += (p + q) * entropy_gap((p - q) / (p + q));
  }
  return divergence / 4;  // half of the mean (p + q) / 2
}

double shared_tokens(std::span<const uint32_t> a, std::span<const uint32_t> b) {
  size_t shared = 0;
  for (const uint32_t v : a) shared += static_cast<size_t>(std::count(b.begin(), b.end(), v));
  return static_cast<double>(shared) / static_cast<double>(a.size());
}

}  // namespace hone
