// Speculative decoding: guesses at how a text goes on, checked by the model several at a time. What comes out
// is distributed as without guesses, whatever they are worth (Leviathan, Kalman & Matias 2023; Chen et al.
// 2023).
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "runtime/sampler.h"

namespace hone {

class Model;

struct DraftToken {
  TokenId id = -1;
  std::vector<TokenProbability> drawn_from;
};

struct DraftChoice {
  TokenId id = -1;
  bool accepted = false;  // id is the guess
};
// Takes a guess x with probability min(1, p(x) / q(x)), q being what it was drawn from; otherwise draws from
// max(0, p - q), normalised. The returned id is distributed as p.
DraftChoice check_draft(std::span<const TokenProbability> p, const DraftToken& guess, Rng& rng);

class Draft {
 public:
  virtual ~Draft() = default;
  // Memory that a text of so many tokens takes.
  virtual uint64_t bytes(size_t /*capacity*/) const { return 0; }
  // A new text of at most `capacity` tokens begins.
  virtual void begin(std::span<const TokenId> prompt, size_t capacity) = 0;
  // At most n guesses at what follows `history`, the whole text so far.
  virtual std::vector<DraftToken> propose(std::span<const TokenId> history, size_t n, Rng& rng) = 0;
};

// Looks for the last tokens earlier in the text and proposes what followed them there (Saxena 2023). Costs no
// forward; good where a text repeats its prompt: summaries, edits.
std::unique_ptr<Draft> make_lookup_draft();

// Another model of the same vocabulary, which must outlive the draft; it draws by the same options. Proposes
// as long as it is sure enough of itself. Throws kInvalidArgument when the vocabularies differ.
std::unique_ptr<Draft> make_model_draft(const Model& draft, const Model& model,
                                        const SamplingOptions& sampling);

}  // namespace hone
