// Perplexity of a text, llama.cpp's convention: every window is run, its second half is scored.
#include <chrono>

#include "base/atomic_file.h"
#include "bench_work.h"
#include "eval/evaluate.h"

namespace hone::cli {
namespace {

class Perplexity final : public TimedWork {
 public:
  Perplexity(LoadedModel& model, const BenchSettings& settings)
      : candidates_{{.model = &model.model(), .compute = serving_mode(settings.precise)}},
        items_(perplexity_items(model.tokenizer(), read_file(settings.text), PerplexityConvention::kLlamaCpp,
                                settings.context)),
        tokens_(items_.size() * settings.context) {}

  double round() override {
    const auto start = std::chrono::steady_clock::now();
    score(candidates_, nullptr, items_, "perplexity");
    return static_cast<double>(tokens_) /
           std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

 private:
  std::vector<Candidate> candidates_;
  std::vector<ScoreItem> items_;
  size_t tokens_;
};

}  // namespace

const BenchWork kPerplexityWork = {
    .name = "perplexity",
    .summary = "perplexity of --text in windows of --context tokens",
    .by_default = false,
    .prepare = [](LoadedModel& model, const BenchSettings& settings) -> std::unique_ptr<TimedWork> {
      return std::make_unique<Perplexity>(model, settings);
    },
    .cost =
        [](const Model& model, const BenchSettings& settings) {
          const ModelCost cost(model);
          // Half of the tokens meet the vocabulary.
          return WorkCost{
              .weight_operations = 2 * cost.block_weights,
              .head_operations = cost.head_weights,
              .bytes = (cost.block_bytes + cost.head_bytes) / static_cast<double>(settings.context)};
        },
};

}  // namespace hone::cli
