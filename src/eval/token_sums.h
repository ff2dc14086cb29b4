// From tokens to sums per document, the unit of the bootstrap.
#pragma once

#include <span>

#include "eval/evaluate.h"

namespace hone {

// All tokens of one candidate, as score() gave them to its sink.
struct TokenScores {
  std::vector<TokenScore> tokens;
  size_t n_documents = 0;
  bool compared = false;  // with a reference
};

// value(token), a number, summed over each document; a document without tokens stays empty.
template <typename Value>
std::vector<DocumentScore> document_sums(std::span<const TokenScore> tokens, size_t n_documents,
                                         Value value) {
  std::vector<DocumentScore> documents(n_documents);
  for (const TokenScore& token : tokens) {
    documents[token.document].sum += static_cast<double>(value(token));
    documents[token.document].count += 1;
  }
  return documents;
}

}  // namespace hone
