// hone generate: text out of a model.
#include "runtime/generate.h"

#include <fmt/format.h>

#include <cstdio>

#include "base/atomic_file.h"
#include "base/error.h"
#include "command.h"
#include "pipeline/loaded_model.h"

namespace hone::cli {
namespace {

struct Arguments {
  std::string model, adapter, prompt, prompt_file, system;
  bool raw = false;
  GenerateOptions options;
};

std::vector<TokenId> prompt_tokens(const LoadedModel& loaded, const Arguments& arguments) {
  const std::string prompt =
      arguments.prompt_file.empty() ? arguments.prompt : read_file(arguments.prompt_file);
  if (arguments.raw || !loaded.has_chat_template()) return loaded.tokenizer().encode(prompt);
  Json messages = Json::array();
  if (!arguments.system.empty()) messages.push_back({{"role", "system"}, {"content", arguments.system}});
  messages.push_back({{"role", "user"}, {"content", prompt}});
  return encode_prompt(loaded.codec(), messages);
}

double rate(size_t tokens, double seconds) {
  return seconds > 0 ? static_cast<double>(tokens) / seconds : 0;
}

Outcome run(Arguments arguments, const CommonOptions& common) {
  arguments.options.sampling.seed = common.seed;
  arguments.options.compute = common.precise ? ComputeMode::kPrecise : ComputeMode::kFast;
  validate(arguments.options.sampling);
  const LoadedModel loaded(arguments.model, arguments.adapter);
  const std::vector<TokenId> prompt = prompt_tokens(loaded, arguments);
  if (prompt.empty())
    fail(ErrorCode::kInvalidArgument, "--prompt: empty; give the model something to go on from");

  // The text streams to stdout; with --json it is part of the object instead.
  std::function<bool(std::string_view)> on_text;
  if (!common.json) {
    on_text = [](std::string_view text) {
      return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
    };
  }
  const GenerateResult result =
      generate(loaded.model(), loaded.tokenizer(), prompt, arguments.options, on_text);
  Json json;
  json["text"] = result.text;
  json["tokens"] = result.tokens;
  json["finish"] = result.finish;
  json["prompt_tokens"] = result.prompt_tokens;
  json["prompt_tok_s"] = rate(result.prompt_tokens, result.prompt_seconds);
  json["tok_s"] = rate(result.tokens.size(), result.decode_seconds);
  json["compute"] = compute_mode_name(arguments.options.compute);
  return {json, "\n"};
}

Action declare(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  SamplingOptions& sampling = arguments->options.sampling;
  app.add_option("-m,--model", arguments->model,
                 "GGUF file, Hugging Face folder or a name in the model store")
      ->required();
  app.add_option("--adapter", arguments->adapter, "PEFT folder or GGUF adapter to put on top");
  CLI::Option* prompt =
      app.add_option("-p,--prompt", arguments->prompt, "the question, put into the chat template");
  CLI::Option* file = app.add_option("--prompt-file", arguments->prompt_file, "read the prompt from a file");
  prompt->excludes(file);
  app.add_option("--system", arguments->system, "system message");
  app.add_flag("--raw", arguments->raw, "the prompt as it is, without the chat template");
  app.add_option("-n,--max-tokens", arguments->options.max_tokens, "most tokens to generate (default 256)")
      ->check(CLI::Range(1, 1 << 20));
  app.add_option("--temperature", sampling.temperature, "0 = greedy (default 0.8)");
  app.add_option("--top-k", sampling.top_k, "keep the k likeliest tokens, 0 = off (default 40)");
  app.add_option("--top-p", sampling.top_p,
                 "keep the likeliest tokens up to this probability (default 0.95)");
  app.add_option("--min-p", sampling.min_p, "drop tokens below this share of the best (default 0.05)");
  app.add_option("--repeat-penalty", sampling.repeat_penalty, "1 = off (default 1)");
  app.add_option("--repeat-last-n", sampling.repeat_last_n,
                 "tokens the penalty looks at, -1 = all (default 64)");
  app.add_option("--stop", arguments->options.stop, "end before this text; may be given several times");
  return [arguments](const CommonOptions& common) { return run(*arguments, common); };
}

}  // namespace

const Command kGenerateCommand = {
    .name = "generate",
    .summary = "text out of a model",
    .example = "hone generate --model smollm2-135m-instruct --prompt \"What causes asthma?\" --max-tokens 64",
    .declare = declare,
};

}  // namespace hone::cli
