// Loss per byte of text: comparable between models with different tokenizers.
#include <cmath>
#include <numbers>

#include "base/error.h"
#include "eval/evaluate.h"
#include "eval/evaluator_list.h"

namespace hone {

constinit const Evaluator kEvaluatorBitsPerByte{
    .name = "bits_per_byte",
    .title = "bits per byte",
    .unit = "bits/byte",
    .summary = "loss of the scored tokens in bits, per byte of their text",
    .higher_is_better = false,
    .needs_reference = false,
};

std::vector<DocumentScore> bits_by_byte(const std::vector<DocumentScore>& nll,
                                        const std::vector<ScoreItem>& items, const Tokenizer& tokenizer) {
  std::vector<DocumentScore> out(nll.size());
  for (size_t d = 0; d < nll.size(); ++d) out[d].sum = nll[d].sum / std::numbers::ln2;
  for (const ScoreItem& item : items) {
    HONE_CHECK(item.document < out.size(), "document={} of {}", item.document, out.size());
    for (const int32_t target : item.targets)
      if (target >= 0) out[item.document].count += static_cast<double>(tokenizer.token_bytes(target).size());
  }
  return out;
}

}  // namespace hone
