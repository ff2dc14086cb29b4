#include "runtime/draft.h"

#include <algorithm>

namespace hone {
namespace {

double probability(std::span<const TokenProbability> distribution, TokenId id) {
  for (const TokenProbability& token : distribution)
    if (token.id == id) return token.p;
  return 0;
}

// max(0, p - q) normalised; p itself where rounding leaves nothing.
std::vector<TokenProbability> residual(std::span<const TokenProbability> p,
                                       std::span<const TokenProbability> q) {
  TokenId largest = 0;
  for (const TokenProbability& token : q) largest = std::max(largest, token.id);
  std::vector<double> taken(static_cast<size_t>(largest) + 1);
  for (const TokenProbability& token : q) taken[static_cast<size_t>(token.id)] = token.p;
  std::vector<TokenProbability> rest;
  double sum = 0;
  for (const TokenProbability& token : p) {
    const double left = token.p - (token.id <= largest ? taken[static_cast<size_t>(token.id)] : 0.0);
    if (left <= 0) continue;
    rest.push_back({token.id, left});
    sum += left;
  }
  if (rest.empty()) return {p.begin(), p.end()};
  for (TokenProbability& token : rest) token.p /= sum;
  return rest;
}

}  // namespace

DraftChoice check_draft(std::span<const TokenProbability> p, const DraftToken& guess, Rng& rng) {
  const double own = probability(p, guess.id), drafted = probability(guess.drawn_from, guess.id);
  if (own > 0 && (own >= drafted || rng.uniform() * drafted < own)) return {guess.id, true};
  return {draw(residual(p, guess.drawn_from), rng), false};
}

}  // namespace hone
