#include "speculate.h"

#include "base/error.h"
#include "base/progress.h"
#include "quantize/quantize.h"

namespace hone::cli {
namespace {

std::unique_ptr<Model> low_bit_copy(LoadedModel& loaded) {
  say("speculate: rounding a copy of the model to q4_0");
  MemorySource copy = quantize_in_memory(
      loaded.source(), {.target = &mix_named("q4_0"), .pure = true, .allow_requantize = true});
  return std::make_unique<Model>(copy);
}

// Equal ids must mean equal text, or every guess is wrong.
void check_tokenizer(const std::string& how, const TokenizerData& draft, const TokenizerData& model) {
  if (draft.tokens != model.tokens)
    fail(ErrorCode::kInvalidArgument,
         "--speculate {}: its tokenizer is not the model's; take a draft of the same family, or lookup or "
         "self",
         how);
}

}  // namespace

Speculation make_speculation(const std::string& how, LoadedModel& loaded, const SamplingOptions& sampling) {
  Speculation made;
  if (how == "lookup") {
    made.draft = make_lookup_draft();
    return made;
  }
  if (how == "self") {
    made.model = low_bit_copy(loaded);
  } else {
    OpenedModel opened = open_model(how);
    check_tokenizer(how, opened.tokenizer, loaded.tokenizer().data());
    made.model = std::make_unique<Model>(*opened.source);
  }
  made.draft = make_model_draft(*made.model, loaded.model(), sampling);
  return made;
}

}  // namespace hone::cli
