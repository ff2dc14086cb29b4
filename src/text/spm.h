// SentencePiece-style merging (GGUF model "llama"): neighbours whose joined text is a token are joined, best
// score first, leftmost first among equals; what is no token in the end becomes byte tokens.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "text/bpe.h"

namespace hone {

class SpmMerger {
 public:
  // Keeps references to all arguments.
  SpmMerger(const TokenIndex& index, const std::vector<float>& scores,
            const std::array<TokenId, 256>& byte_tokens, TokenId unknown);
  // text has its spaces already written as U+2581. Appends ids, and to `ends` (if not null) where each ends.
  void merge(std::string_view text, std::vector<TokenId>& out, std::vector<size_t>* ends) const;

 private:
  const TokenIndex& index_;
  const std::vector<float>& scores_;
  const std::array<TokenId, 256>& byte_tokens_;
  TokenId unknown_;
  size_t longest_ = 0;  // bytes of the longest token: longer joins need no look-up
};

}  // namespace hone
