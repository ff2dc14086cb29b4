// hone merge: adapters into the weights, checked.
#include "tune/merge.h"

#include <fmt/format.h>

#include "adapter_option.h"
#include "base/memory.h"
#include "base/progress.h"
#include "command.h"
#include "models/model.h"

namespace hone::cli {
namespace {

struct Arguments {
  std::string model, output;
  AdapterOption adapters;
  MergeOptions options;
};

Outcome run(Arguments arguments) {
  arguments.options.ignore_base = arguments.adapters.ignore_base;
  const OpenedModel opened = open_model(arguments.model);
  const MergeResult result = merge(*opened.source, weights_fingerprint(*opened.source),
                                   arguments.adapters.choices(), arguments.output, arguments.options);
  for (const std::string& note : result.notes) say(note);
  Json json;
  json["output"] = arguments.output;
  json["file_bytes"] = result.file_bytes;
  json["max_logit_difference"] = result.max_logit_difference;
  json["logit_rms"] = result.logit_rms;
  return {json, fmt::format("{}: {}, largest difference of a logit {:.3g} (logits have an RMS of {:.3g})\n",
                            arguments.output, format_bytes(result.file_bytes), result.max_logit_difference,
                            result.logit_rms)};
}

Action declare(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  app.add_option("-m,--model", arguments->model, "the base the adapter was trained on")->required();
  arguments->adapters.declare(app)->required();
  app.add_option("-o,--output", arguments->output, "GGUF file to write")->required();
  app.add_option("--format", arguments->options.format, "of the matrices (default f16)")
      ->check(CLI::IsMember({"f16", "bf16", "f32"}));
  return [arguments](const CommonOptions&) { return run(*arguments); };
}

}  // namespace

const Command kMergeCommand = {
    .name = "merge",
    .summary = "adapters into the weights, checked against the unmerged logits",
    .example = "hone merge --model smollm2-135m-instruct --adapter adapter --output tuned-f16.gguf",
    .declare = declare,
};

}  // namespace hone::cli
