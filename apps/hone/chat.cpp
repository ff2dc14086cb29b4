// hone chat: a conversation in the terminal, with one model or with two side by side.
#include "base/error.h"
#include "chat_session.h"
#include "generation_options.h"

namespace hone::cli {
namespace {

struct Arguments {
  VoiceSpec voice, versus;
  VoiceSettings settings;
  std::string cache_type;
  GenerateOptions options;
};

Outcome run(Arguments arguments, const CommonOptions& common) {
  GenerateOptions& options = arguments.options;
  options.sampling.seed = common.seed;
  options.compute = serving_mode(common.precise);
  validate(options.sampling);
  ConversationSettings& conversation = arguments.settings.conversation;
  conversation.cache_type = !arguments.cache_type.empty() ? kv_format_named(arguments.cache_type)
                            : common.precise              ? KvFormat::kF32
                                                          : KvFormat::kF16;
  std::vector<VoiceSpec> specs = {arguments.voice};
  if (!arguments.versus.model.empty() || !arguments.versus.adapter.empty()) {
    if (arguments.versus.model.empty()) arguments.versus.model = arguments.voice.model;
    specs.push_back(arguments.versus);
  }
  ChatSession session(std::move(specs), arguments.settings, options, common.json);
  session.run();
  return {common.json ? session.result() : Json(), ""};
}

Action declare(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  arguments->options.max_tokens = 1024;
  app.add_option("model,-m,--model", arguments->voice.model,
                 "GGUF file, Hugging Face folder or a name in the model store")
      ->required();
  app.add_option("--adapter", arguments->voice.adapter,
                 "PEFT folder or GGUF adapter to put on top; PATH:SCALE adds a part of it");
  app.add_option("--versus", arguments->versus.model, "a second model that answers beside the first");
  app.add_option("--versus-adapter", arguments->versus.adapter,
                 "the second's adapter; without --versus on the first's model, which is loaded once");
  app.add_flag("--ignore-base", arguments->settings.ignore_base,
               "take adapters though they were trained on other weights");
  app.add_option("--system", arguments->settings.system, "system message");
  app.add_option("--chat-template", arguments->settings.template_file,
                 "a Jinja file instead of the model's chat template");
  app.add_option("--context", arguments->settings.conversation.context,
                 fmt::format("tokens a conversation may have (default: the model's context, at most {})",
                             kDefaultContext))
      ->check(CLI::Range(16, 1 << 27));
  declare_generation(app, arguments->options);
  declare_cache_type(app, arguments->cache_type);
  return [arguments](const CommonOptions& common) { return run(*arguments, common); };
}

}  // namespace

const Command kChatCommand = {
    .name = "chat",
    .summary = "a conversation in the terminal, with one model or two side by side",
    .example = "hone chat smollm2-135m-instruct --versus-adapter adapter",
    .declare = declare,
};

}  // namespace hone::cli
