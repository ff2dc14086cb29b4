// hone quantize: a model in fewer bits.
#include "quantize/quantize.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/error.h"
#include "base/memory.h"
#include "base/progress.h"
#include "command.h"
#include "models/model.h"
#include "pipeline/suggest.h"
#include "quantize/rounder.h"
#include "record.h"

namespace hone::cli {
namespace {

struct Arguments {
  std::string model, output, output_tensor, token_embedding;
  std::vector<std::string> to, tensor_types;
  QuantizeOptions options;
};

const Format& format_argument(const std::string& name, const char* flag) {
  const Format* format = find_format(name);
  require_written(name, flag);
  if (format != nullptr) return *format;
  std::vector<std::string> known;
  for (const Format* f : all_formats())
    if (f->encodes()) known.emplace_back(f->name);
  fail(ErrorCode::kInvalidArgument, "{}: unknown format \"{}\"{}", flag, name, suggestion(name, known));
}

const Mix& mix_argument(const std::string& name) {
  if (const Mix* mix = find_mix(name)) return *mix;
  require_written(name, "--to");
  std::vector<std::string> known;
  for (const Mix& mix : all_mixes()) known.emplace_back(mix.name);
  fail(ErrorCode::kInvalidArgument, "--to: unknown format \"{}\"{}", name, suggestion(name, known));
}

// "blk.0.*=q8_0".
FormatOverride override_argument(const std::string& text) {
  const size_t at = text.rfind('=');
  if (at == std::string::npos || at == 0)
    fail(ErrorCode::kInvalidArgument,
         "--tensor-type: got \"{}\", expected PATTERN=FORMAT, such as blk.0.*=q8_0", text);
  return {.pattern = text.substr(0, at), .format = &format_argument(text.substr(at + 1), "--tensor-type")};
}

// With several formats, --output is a folder or a name that {} stands for the format in.
std::string output_for(const Arguments& arguments, const std::string& format) {
  if (const size_t at = arguments.output.find("{}"); at != std::string::npos)
    return arguments.output.substr(0, at) + format + arguments.output.substr(at + 2);
  if (arguments.to.size() == 1) return arguments.output;
  fail(ErrorCode::kInvalidArgument,
       "--output: several formats need a name with {{}} in it, as in model-{{}}.gguf: got {}",
       arguments.output);
}

Json result_json(const QuantizeResult& result, const std::string& format) {
  Json json;
  json["output"] = result.output.string();
  json["format"] = format;
  json["file_bytes"] = result.file_bytes;
  json["bits_per_weight"] = result.bits_per_weight;
  json["seconds"] = result.seconds;
  json["peak_rss_bytes"] = peak_rss_bytes();
  json["formats"] = result.formats;
  json["relative_rms_error"] = result.relative_rms_error;
  return json;
}

Outcome run(Arguments arguments, const CommonOptions& common) {
  if (!arguments.output_tensor.empty())
    arguments.options.output_tensor = &format_argument(arguments.output_tensor, "--output-tensor");
  if (!arguments.token_embedding.empty())
    arguments.options.token_embedding = &format_argument(arguments.token_embedding, "--token-embedding");
  for (const std::string& text : arguments.tensor_types)
    arguments.options.overrides.push_back(override_argument(text));
  for (const std::string& format : arguments.to) {
    mix_argument(format);
    output_for(arguments, format);
  }
  const OpenedModel opened = open_model(arguments.model);
  RunRecord& record = common.entry->record();
  record.model = arguments.model;
  record.recipe = settings_text({{"to", arguments.to},
                                 {"method", arguments.options.method},
                                 {"pure", arguments.options.pure},
                                 {"output_tensor", arguments.output_tensor},
                                 {"token_embedding", arguments.token_embedding},
                                 {"tensor_type", arguments.tensor_types}});
  record.inputs = {{arguments.model, ""}};
  begin_record(common);
  Json all = Json::array();
  std::string text;
  for (const std::string& format : arguments.to) {
    arguments.options.target = &mix_argument(format);
    const QuantizeResult result =
        quantize_file(*opened.source, output_for(arguments, format), arguments.options);
    for (const std::string& note : result.notes) say(note);
    all.push_back(result_json(result, format));
    record.outputs.push_back(absolute_path(result.output));
    for (const char* name : {"file_bytes", "bits_per_weight"})
      record.metrics.push_back({format, name, all.back().at(name).get<double>(), {}, {}});
    text += fmt::format("{}: {}, {:.2f} bits per weight, {:.1f} s\n", result.output.string(),
                        format_bytes(result.file_bytes), result.bits_per_weight, result.seconds);
  }
  if (all.size() == 1) return {all[0], text};
  return {Json{{"results", all}}, text};
}

Action declare(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  app.add_option("-m,--model", arguments->model,
                 "GGUF file, Hugging Face folder or a name in the model store")
      ->required();
  app.add_option("--to", arguments->to, "format, or several separated by commas: q8_0,q4_0")
      ->delimiter(',')
      ->required();
  app.add_option("-o,--output", arguments->output, "GGUF file to write; {} stands for the format")
      ->required();
  std::vector<std::string> methods;
  for (const Rounder* rounder : all_rounders()) methods.emplace_back(rounder->name);
  app.add_option("--method", arguments->options.method,
                 "how codes are picked (default rtn: round to nearest)")
      ->check(CLI::IsMember(methods));
  app.add_flag("--pure", arguments->options.pure,
               "every matrix in the format, the vocabulary projection too");
  app.add_option("--output-tensor", arguments->output_tensor, "format of the vocabulary projection");
  app.add_option("--token-embedding", arguments->token_embedding, "format of the token embedding");
  app.add_option("--tensor-type", arguments->tensor_types,
                 "PATTERN=FORMAT: another format for the matrices whose names fit, * for any characters "
                 "(blk.0.*=q8_0); the first that fits counts");
  app.add_flag("--allow-requantize", arguments->options.allow_requantize,
               "round weights that are quantized already");
  return [arguments](const CommonOptions& common) { return run(*arguments, common); };
}

}  // namespace

const Command kQuantizeCommand = {
    .name = "quantize",
    .summary = "a model in fewer bits",
    .example = "hone quantize --model tuned-f16.gguf --to q8_0,q4_0 --output tuned-{}.gguf",
    .declare = declare,
};

}  // namespace hone::cli
