// Windows of a text for perplexity, by the two conventions whose numbers one finds in print. They differ a
// lot: never compare across them.
#include <algorithm>

#include "base/error.h"
#include "eval/evaluate.h"
#include "eval/evaluator_list.h"
#include "runtime/utf8.h"

namespace hone {

constinit const Evaluator kEvaluatorPerplexity{
    .name = "perplexity",
    .title = "perplexity",
    .unit = "",
    .summary = "exp of the mean loss over windows of a text",
    .higher_is_better = false,
    .needs_reference = false,
};

const char* convention_name(PerplexityConvention convention) noexcept {
  switch (convention) {
    case PerplexityConvention::kLlamaCpp:
      return "llama.cpp";
    case PerplexityConvention::kPaper:
      return "paper";
  }
  return "?";
}

namespace {

// A file that is no text has a perplexity too, but one that says nothing. A last character may be cut.
void check_text(std::string_view text) {
  constexpr size_t kLongest = 4;  // bytes of a character
  const size_t bad = invalid_utf8_at(text);
  if (bad == std::string_view::npos || bad + kLongest > text.size()) return;
  fail(ErrorCode::kInvalidArgument, "perplexity: text: got byte 0x{:02x} at offset {}, which is not UTF-8",
       static_cast<unsigned char>(text[bad]), bad);
}

}  // namespace

std::vector<ScoreItem> perplexity_items(const Tokenizer& tokenizer, const std::string& text,
                                        PerplexityConvention convention, size_t context, size_t max_windows) {
  constexpr size_t kShortest = 4;
  if (context < kShortest)
    fail(ErrorCode::kInvalidArgument, "perplexity: context: got {}, expected at least {}", context,
         kShortest);
  check_text(text);
  const TokenizerData& data = tokenizer.data();
  const bool add_bos = data.add_bos && data.bos >= 0;
  std::vector<TokenId> tokens = tokenizer.encode(text, {.add_special = false, .parse_special = false});
  if (add_bos) tokens.insert(tokens.begin(), data.bos);
  size_t n_windows = tokens.size() / context;  // both conventions drop the rest
  if (n_windows == 0)
    fail(ErrorCode::kInvalidArgument,
         "perplexity: text: got {} tokens, expected at least one window of {}; take a longer text or a "
         "smaller --context",
         tokens.size(), context);
  if (max_windows > 0) n_windows = std::min(n_windows, max_windows);

  const bool halves = convention == PerplexityConvention::kLlamaCpp;
  const size_t first = halves ? context / 2 : 0;
  std::vector<ScoreItem> items(n_windows);
  for (size_t w = 0; w < n_windows; ++w) {
    const std::span<TokenId> window = std::span(tokens).subspan(w * context, context);
    ScoreItem& item = items[w];
    item.document = w;
    item.targets.assign(context, -1);
    for (size_t t = first; t + 1 < context; ++t) item.targets[t] = window[t + 1];
    if (halves && add_bos) window[0] = data.bos;
    item.batch.tokens.assign(window.begin(), window.end());
    item.batch.positions.resize(context);
    for (size_t t = 0; t < context; ++t) item.batch.positions[t] = static_cast<int32_t>(t);
    item.batch.sequences = {{0, context}};
  }
  return items;
}

}  // namespace hone
