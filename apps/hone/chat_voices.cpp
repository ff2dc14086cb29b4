#include "chat_voices.h"

#include <map>

#include "base/atomic_file.h"
#include "base/error.h"
#include "models/store.h"

namespace hone::cli {
namespace {

namespace fs = std::filesystem;

std::string short_name(const std::string& argument) {
  fs::path path(argument);
  if (!path.has_filename()) path = path.parent_path();
  return path.extension() == ".gguf" ? path.stem().string() : path.filename().string();
}

std::string voice_name(const VoiceSpec& spec) {
  std::string model = short_name(spec.model);
  if (spec.adapter.empty()) return model;
  return model + " + " + short_name(parse_adapter_choice(spec.adapter).path.string());
}

std::shared_ptr<ChatTemplate> make_template(const OpenedModel& opened, const Tokenizer& tokenizer,
                                            const VoiceSettings& settings) {
  if (settings.template_file.empty()) {
    std::shared_ptr<ChatTemplate> own = make_chat_template(opened, tokenizer);
    if (own == nullptr)
      fail(ErrorCode::kNotSupported,
           "{}: this model has no chat template; give one with --chat-template FILE (Jinja), or use hone "
           "generate "
           "--raw",
           opened.path.string());
    return own;
  }
  OpenedModel with_file;
  with_file.path = settings.template_file;
  with_file.chat_template = read_file(settings.template_file);
  return make_chat_template(with_file, tokenizer);
}

// The first prompt need not wait for the weights: they come while it is typed.
std::shared_ptr<LoadedModel> load_for_chat(const std::string& model) {
  auto loaded =
      std::make_shared<LoadedModel>(model, std::span<const AdapterChoice>(), false, LoadWeights::kWhenUsed);
  loaded->model().load_meanwhile();
  return loaded;
}

std::optional<VoiceAdapter> load_onto(LoadedModel& loaded, const std::string& adapter, bool ignore_base) {
  if (adapter.empty()) return {};
  const AdapterChoice choice = parse_adapter_choice(adapter);
  loaded.add_adapter(choice, ignore_base);
  return VoiceAdapter{loaded.adapters().size() - 1, choice.scale};
}

}  // namespace

Voice::Voice(std::string name, std::shared_ptr<LoadedModel> loaded, std::optional<VoiceAdapter> adapter,
             std::shared_ptr<ChatTemplate> chat_template, const VoiceSettings& settings)
    : name_(std::move(name)),
      loaded_(std::move(loaded)),
      adapter_(adapter),
      template_(std::move(chat_template)),
      conversation_(loaded_->model(), {loaded_->tokenizer(), *template_}, settings.conversation) {
  conversation_.set_system(settings.system);
}

void Voice::activate() {
  AdapterStack& stack = loaded_->adapters();
  std::vector<double> scales(stack.size(), 0.0);
  if (adapter_) scales[adapter_->index] = adapter_->scale;
  stack.set_scales(scales);
}

void check_voices(const std::vector<VoiceSpec>& specs, const VoiceSettings& settings) {
  for (const VoiceSpec& spec : specs) {
    const OpenedModel opened = open_model(spec.model);
    make_template(opened, *make_tokenizer(opened), settings);
    std::error_code ignored;
    if (!spec.adapter.empty() && !fs::exists(parse_adapter_choice(spec.adapter).path, ignored))
      fail(ErrorCode::kNotFound, "{}: no such adapter", spec.adapter);
  }
}

Voices load_voices(const std::vector<VoiceSpec>& specs, const VoiceSettings& settings) {
  std::map<fs::path, std::shared_ptr<LoadedModel>> models;
  Voices voices;
  for (const VoiceSpec& spec : specs) {
    std::shared_ptr<LoadedModel>& loaded = models[fs::weakly_canonical(find_model(spec.model))];
    if (loaded == nullptr) loaded = load_for_chat(spec.model);
    auto chat_template = make_template(open_model(spec.model), loaded->tokenizer(), settings);
    voices.push_back(std::make_unique<Voice>(voice_name(spec), loaded,
                                             load_onto(*loaded, spec.adapter, settings.ignore_base),
                                             std::move(chat_template), settings));
  }
  return voices;
}

}  // namespace hone::cli
