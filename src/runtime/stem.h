// The beginning that several texts have in common: its keys and values are computed once and copied for each.
#pragma once

#include <span>
#include <vector>

#include "models/model.h"

namespace hone {

class Stem {
 public:
  // model must outlive the stem.
  Stem(const Model& model, KvFormat format) : model_(model), format_(format) {}

  // How many tokens a text that may become `longest` tokens long, and what the stem holds, begin with; 0 when
  // their keys are turned differently (ModelConfig::is_long).
  size_t common(std::span<const TokenId> text, size_t longest) const noexcept;
  // Becomes `tokens`, for texts of up to `longest`; what it has in common with them is not computed again.
  // Throws what advance_hidden throws.
  const KvCache& become(OpContext& ctx, std::span<const TokenId> tokens, size_t longest);
  // Copies the first n tokens' keys and values. Called only behind become().
  void copy_to(KvCache& cache, size_t n) const { cache.copy_from(*cache_, n); }

 private:
  const Model& model_;
  KvFormat format_;
  std::optional<KvCache> cache_;
  std::vector<TokenId> tokens_;
};

// Tokens that two texts begin with.
size_t common_beginning(std::span<const TokenId> a, std::span<const TokenId> b) noexcept;
// Shorter beginnings are not worth a copy.
constexpr size_t kMinStem = 16;

}  // namespace hone
