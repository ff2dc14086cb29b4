#include "eval/overfit.h"

#include "base/error.h"

namespace hone {
namespace {

double loss_of(const TokenScore& token, bool reference) {
  return reference ? token.reference_nll : token.nll;
}

GapScores gap_scores(const TokenScores& train, const TokenScores& held_out, bool reference) {
  const auto loss = [&](const TokenScore& token) { return loss_of(token, reference); };
  return {.train = document_sums(train.tokens, train.n_documents, loss),
          .held_out = document_sums(held_out.tokens, held_out.n_documents, loss)};
}

OverfitSide side_of(const TokenScores& train, const TokenScores& held_out, bool reference,
                    const MemorisedOptions& options, uint64_t seed) {
  const GapScores scores = gap_scores(train, held_out, reference);
  return {.loss = {.train = bootstrap_mean(scores.train, seed),
                   .held_out = bootstrap_mean(scores.held_out, seed),
                   .gap = mean_gap(scores.train, scores.held_out, seed)},
          .train = memorised(train, reference, options, seed),
          .held_out = memorised(held_out, reference, options, seed)};
}

// The end of the answer that begins at tokens[begin]: its tokens follow each other in one item.
size_t answer_end(std::span<const TokenScore> tokens, size_t begin) {
  size_t end = begin + 1;
  while (end < tokens.size() && tokens[end].item == tokens[begin].item &&
         tokens[end].position == tokens[end - 1].position + 1)
    ++end;
  return end;
}

}  // namespace

Memorised memorised(const TokenScores& scores, bool reference, const MemorisedOptions& options,
                    uint64_t seed) {
  HONE_CHECK(options.length > 0);
  Memorised out;
  std::vector<DocumentScore> verbatim(scores.n_documents), matched(scores.n_documents);
  const std::span<const TokenScore> tokens(scores.tokens);
  for (size_t begin = 0; begin < tokens.size();) {
    const size_t end = answer_end(tokens, begin);
    if (end - begin >= options.prefix + options.length) {
      const auto compared = tokens.subspan(begin + options.prefix, options.length);
      size_t n = 0;
      while (n < compared.size() && (reference ? compared[n].reference_hit : compared[n].hit)) ++n;
      const size_t document = tokens[begin].document;
      const bool whole = n == options.length;
      ++out.n_answers;
      verbatim[document].sum += whole ? 1 : 0;
      verbatim[document].count += 1;
      matched[document].sum += static_cast<double>(n) / static_cast<double>(options.length);
      matched[document].count += 1;
      if (whole) out.items.push_back(tokens[begin].item);
    }
    begin = end;
  }
  out.verbatim = bootstrap_mean(verbatim, seed);
  out.matched = bootstrap_mean(matched, seed);
  return out;
}

Overfit overfit(const TokenScores& train, const TokenScores& held_out, const MemorisedOptions& options,
                uint64_t seed) {
  HONE_CHECK(train.compared == held_out.compared);
  Overfit out{.model = side_of(train, held_out, false, options, seed),
              .base = std::nullopt,
              .widening = std::nullopt};
  if (!train.compared) return out;
  out.base = side_of(train, held_out, true, options, seed);
  out.widening = gap_difference(gap_scores(train, held_out, true), gap_scores(train, held_out, false), seed);
  return out;
}

}  // namespace hone
