// A short training of an adapter on the rounded file, which learns around the rounding. It stays beside the
// file: merged, it would be rounded again.
#include <fmt/format.h>

#include <algorithm>

#include "base/progress.h"
#include "io/gguf.h"
#include "pipeline/remedy.h"
#include "pipeline/train_stage.h"

namespace hone {
namespace {

constexpr double kShare = 0.5;  // of the tokens of the run's training

Product train_beside(RunContext& run, const Product& failed) {
  const std::string& format = failed.result.name;
  const std::string folder = "repair-" + format;
  GgufFile file(failed.model.model);
  const BaseInfo info{.name = failed.model.model, .fingerprint = weights_fingerprint(file)};
  TrainConfig config = run.recipe.tune;
  config.precise = run.options.precise;
  config.restart = run.options.restart;
  config.steps = 0;
  config.epochs = 0;
  config.tokens =
      std::max<uint64_t>(1, static_cast<uint64_t>(kShare * static_cast<double>(run.trained_tokens)));
  const TrainData data{.train = run.train, .valid = run.recipe.valid.empty() ? nullptr : &run.valid};
  std::unique_ptr<LoadedModel> base;
  const TrainedAdapter trained = train_stage(
      run.store, folder, folder,
      [&]() -> Model& {
        say(fmt::format("repairing {} by an adapter beside it", format));
        base = std::make_unique<LoadedModel>(failed.model.model);
        return base->model();
      },
      data, info, config);
  Product out = failed;
  out.result.name = out.model.stage = format + "+lora";
  out.result.what = fmt::format("{} and an adapter trained on it", format);
  out.result.file = failed.result.file + ", " + folder;
  out.result.status = trained.cached ? "cached" : "done";
  out.result.seconds = trained.seconds;
  out.result.file_bytes += trained.file_bytes;
  const BitsPerWeight bits(file);
  out.result.bits_per_weight =
      8.0 * static_cast<double>(bits.bytes + trained.file_bytes) / static_cast<double>(bits.elements);
  out.model.adapter = run.folder() / folder;
  out.model.adapter_hash = trained.hash;
  out.model.bytes = out.result.file_bytes;
  return out;
}

std::vector<MakeProduct> candidates(const RemedyInput& input) {
  return {[&run = input.run, &failed = input.failed] { return train_beside(run, failed); }};
}

}  // namespace

constinit const Remedy kRemedyLora{
    .name = "lora", .summary = "a short LoRA training on the rounded file", .candidates = candidates};

}  // namespace hone
