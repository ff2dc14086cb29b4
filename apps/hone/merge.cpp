// hone merge: adapters into the weights, checked.
#include "tune/merge.h"

#include <fmt/format.h>

#include "adapter_option.h"
#include "base/memory.h"
#include "base/progress.h"
#include "command.h"
#include "models/model.h"
#include "record.h"

namespace hone::cli {
namespace {

struct Arguments {
  std::string model, output;
  AdapterOption adapters;
  MergeOptions options;
};

Outcome run(Arguments arguments, const CommonOptions& common) {
  arguments.options.ignore_base = arguments.adapters.ignore_base;
  const OpenedModel opened = open_model(arguments.model);
  const std::string fingerprint = weights_fingerprint(*opened.source);
  RunRecord& record = common.entry->record();
  record.model = arguments.model;
  record.recipe =
      settings_text({{"format", arguments.options.format}, {"adapters", arguments.adapters.json()}});
  record.inputs = {{arguments.model, fingerprint}};
  for (const AdapterChoice& adapter : arguments.adapters.choices())
    record.inputs.push_back({adapter.path.string(), ""});
  begin_record(common);
  const MergeResult result =
      merge(*opened.source, fingerprint, arguments.adapters.choices(), arguments.output, arguments.options);
  for (const std::string& note : result.notes) say(note);
  record.outputs = {absolute_path(arguments.output)};
  record.metrics = {
      {"merged", "file_bytes", static_cast<double>(result.file_bytes), {}, {}},
      {"merged", "max_logit_difference", result.max_logit_difference, {}, {}},
  };
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
  return [arguments](const CommonOptions& common) { return run(*arguments, common); };
}

}  // namespace

const Command kMergeCommand = {
    .name = "merge",
    .summary = "adapters into the weights, checked against the unmerged logits",
    .example = "hone merge --model smollm2-135m-instruct --adapter adapter --output tuned-f16.gguf",
    .declare = declare,
};

}  // namespace hone::cli
