// hone generate: text out of a model.
#include "runtime/generate.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <sstream>

#include "adapter_option.h"
#include "base/atomic_file.h"
#include "base/clean_text.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/progress.h"
#include "command.h"
#include "generation_options.h"
#include "pipeline/loaded_model.h"
#include "speculate.h"

namespace hone::cli {
namespace {

struct Arguments {
  std::string model, prompt, prompt_file, prompts, system, cache_type, speculate;
  AdapterOption adapters;
  bool raw = false, has_prompt = false;
  GenerateOptions options;
};

std::vector<TokenId> encode(const LoadedModel& loaded, const Arguments& arguments,
                            const std::string& prompt) {
  std::vector<TokenId> tokens;
  if (arguments.raw || !loaded.has_chat_template()) {
    tokens = loaded.tokenizer().encode(prompt);
  } else {
    Json messages = Json::array();
    if (!arguments.system.empty()) messages.push_back({{"role", "system"}, {"content", arguments.system}});
    messages.push_back({{"role", "user"}, {"content", prompt}});
    tokens = encode_prompt(loaded.codec(), messages);
  }
  if (tokens.empty())
    fail(ErrorCode::kInvalidArgument, "--prompt: empty; give the model something to go on from");
  return tokens;
}

// A file, or with "-" what comes through standard input.
std::string read_text(const std::string& path) {
  if (path != "-") return read_file(path);
  std::string text{std::istreambuf_iterator<char>(std::cin), {}};
  if (std::cin.bad()) fail(ErrorCode::kIo, "stdin: cannot read the prompt");
  return text;
}

void drop_end(std::string& line, char c) {
  if (line.ends_with(c)) line.pop_back();
}

// The end of its last line belongs to the file, not to the prompt.
std::string read_prompt(const std::string& path) {
  std::string text = read_text(path);
  drop_end(text, '\n');
  drop_end(text, '\r');
  return text;
}

std::string only_prompt(const Arguments& arguments) {
  if (arguments.has_prompt) return arguments.prompt;
  if (!arguments.prompt_file.empty()) return read_prompt(arguments.prompt_file);
  if (::isatty(STDIN_FILENO) == 1)
    fail(ErrorCode::kInvalidArgument,
         "no prompt: give --prompt TEXT, --prompt-file FILE (- is standard input) or --prompts FILE");
  return read_prompt("-");
}

std::vector<std::vector<TokenId>> encode_prompts(const LoadedModel& loaded, const Arguments& arguments) {
  if (!arguments.system.empty() && !arguments.raw && !loaded.has_chat_template())
    fail(ErrorCode::kInvalidArgument,
         "--system: this model has no chat template that could hold it; put it into the prompt");
  std::vector<std::vector<TokenId>> prompts;
  if (arguments.prompts.empty()) {
    prompts.push_back(encode(loaded, arguments, only_prompt(arguments)));
    return prompts;
  }
  std::istringstream lines(read_text(arguments.prompts));
  for (std::string line; std::getline(lines, line);) {
    drop_end(line, '\r');
    if (!line.empty()) prompts.push_back(encode(loaded, arguments, line));
  }
  if (prompts.empty())
    fail(ErrorCode::kInvalidArgument, "{}: got no lines, expected a prompt on each", arguments.prompts);
  return prompts;
}

double rate(size_t tokens, double seconds) {
  return seconds > 0 ? static_cast<double>(tokens) / seconds : 0;
}

// Null where nothing was decoded behind the first token.
Json rate_json(size_t tokens, double seconds) {
  return tokens > 0 ? Json(rate(tokens, seconds)) : Json();
}

Json to_json(const GenerateResult& result) {
  Json json;
  json["text"] = result.text;
  json["tokens"] = result.tokens;
  json["finish"] = result.finish;
  json["prompt_tokens"] = result.prompt_tokens;
  return json;
}

Json speculation_json(const Arguments& arguments, const GenerateResult& result) {
  return {{"how", arguments.speculate},
          {"draft_tokens", arguments.options.draft_tokens},
          {"drafted", result.drafted},
          {"accepted", result.accepted}};
}

void say_speculation(const GenerateResult& result) {
  const size_t n = result.tokens.size();
  say(fmt::format(
      "speculate: {} of {} guesses right ({:.0f} %), {:.1f} tokens a forward, {:.1f} tokens/s",
      result.accepted, result.drafted, 100 * rate(result.accepted, static_cast<double>(result.drafted)),
      rate(n, static_cast<double>(n - result.accepted)), rate(result.decoded(), result.decode_seconds)));
}

// One object a prompt with --json; else the texts in the prompts' order, under their numbers.
Outcome several(const std::vector<GenerateResult>& results, const Arguments& arguments) {
  Json json;
  std::string text;
  size_t n_prompt = 0, n_tokens = 0, n_decoded = 0;
  double prompt_seconds = 0, decode_seconds = 0;
  const bool is_terminal = ::isatty(STDOUT_FILENO) == 1;
  for (size_t i = 0; i < results.size(); ++i) {
    json["answers"].push_back(to_json(results[i]));
    text += fmt::format("{}== {} ==\n{}\n", i > 0 ? "\n" : "", i + 1,
                        is_terminal ? clean_text(results[i].text) : results[i].text);
    n_prompt += results[i].prompt_tokens;
    n_tokens += results[i].tokens.size();
    n_decoded += results[i].decoded();
    prompt_seconds = std::max(prompt_seconds, results[i].prompt_seconds);
    decode_seconds = std::max(decode_seconds, results[i].decode_seconds);
  }
  json["prompt_tok_s"] = rate(n_prompt, prompt_seconds);
  json["tok_s"] = rate_json(n_decoded, decode_seconds);
  json["compute"] = compute_mode_name(arguments.options.compute);
  json["peak_rss_bytes"] = peak_rss_bytes();
  say(fmt::format("{} prompts, {} tokens, {:.1f} tokens/s", results.size(), n_tokens,
                  rate(n_decoded, decode_seconds)));
  return {json, text};
}

Outcome one(const GenerateResult& result, const Arguments& arguments) {
  Json json = to_json(result);
  json["prompt_tok_s"] = rate(result.prompt_tokens, result.prompt_seconds);
  json["tok_s"] = rate_json(result.decoded(), result.decode_seconds);
  json["compute"] = compute_mode_name(arguments.options.compute);
  json["peak_rss_bytes"] = peak_rss_bytes();
  if (arguments.options.draft != nullptr) json["speculation"] = speculation_json(arguments, result);
  return {json, "\n"};
}

Outcome run(Arguments arguments, const CommonOptions& common) {
  GenerateOptions& options = arguments.options;
  options.sampling.seed = common.seed;
  options.compute = serving_mode(common.precise);
  if (!arguments.cache_type.empty()) options.cache_type = kv_format_named(arguments.cache_type);
  validate(options.sampling);
  LoadedModel loaded(arguments.model, arguments.adapters.choices(), arguments.adapters.ignore_base);
  const std::vector<std::vector<TokenId>> prompts = encode_prompts(loaded, arguments);
  if (!arguments.prompts.empty())
    return several(generate_all(loaded.model(), loaded.tokenizer(), prompts, options), arguments);
  Speculation speculation;
  if (!arguments.speculate.empty())
    speculation = make_speculation(arguments.speculate, loaded, options.sampling);
  options.draft = speculation.draft.get();

  // The text streams to stdout; with --json it is part of the object instead.
  std::function<bool(std::string_view)> on_text;
  if (!common.json) {
    // A terminal would obey what a model writes; a file gets it as it is.
    on_text = [is_terminal = ::isatty(STDOUT_FILENO) == 1](std::string_view text) {
      const std::string shown = is_terminal ? clean_text(text) : std::string(text);
      return std::fwrite(shown.data(), 1, shown.size(), stdout) == shown.size() && std::fflush(stdout) == 0;
    };
  }
  const GenerateResult result = generate(loaded.model(), loaded.tokenizer(), prompts[0], options, on_text);
  if (options.draft != nullptr) {
    if (!common.json) std::fputc('\n', stdout);
    say_speculation(result);
  }
  return one(result, arguments);
}

Action declare(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  app.add_option("-m,--model", arguments->model,
                 "GGUF file, Hugging Face folder or a name in the model store")
      ->required();
  arguments->adapters.declare(app);
  CLI::Option* prompt =
      app.add_option("-p,--prompt", arguments->prompt,
                     "the question, put into the chat template (default: what comes through standard input)");
  CLI::Option* file = app.add_option("--prompt-file", arguments->prompt_file,
                                     "read the prompt from a file; - is standard input");
  prompt->excludes(file);
  CLI::Option* prompts =
      app.add_option("--prompts", arguments->prompts,
                     "a file with a prompt on each line; all are answered together, each forward serving all")
          ->excludes(prompt)
          ->excludes(file);
  CLI::Option* system = app.add_option("--system", arguments->system, "system message");
  app.add_flag("--raw", arguments->raw, "the prompt as it is, without the chat template")->excludes(system);
  declare_generation(app, arguments->options);
  declare_cache_type(app, arguments->cache_type);
  app.add_option(
         "--speculate", arguments->speculate,
         "guess several tokens and check them together, without changing the outcome: lookup (from the "
         "text so far), self (by the model in q4_0), or a smaller model of the same tokenizer")
      ->excludes(prompts);
  app.add_option("--draft-tokens", arguments->options.draft_tokens,
                 fmt::format("most guesses at a time, with --speculate (default {})",
                             arguments->options.draft_tokens))
      ->check(CLI::Range(size_t{1}, kMaxDraftTokens));
  return [arguments, prompt](const CommonOptions& common) {
    arguments->has_prompt = prompt->count() > 0;
    return run(*arguments, common);
  };
}

}  // namespace

const Command kGenerateCommand = {
    .name = "generate",
    .summary = "text out of a model",
    .example = "hone generate --model smollm2-135m-instruct --prompt \"What causes asthma?\" --max-tokens 64",
    .declare = declare,
};

}  // namespace hone::cli
