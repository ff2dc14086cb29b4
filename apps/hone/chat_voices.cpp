#include "chat_voices.h"

#include <map>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/progress.h"
#include "models/store.h"
#include "tune/adapter_files.h"

namespace hone::cli {
namespace {

namespace fs = std::filesystem;

std::string short_name(const std::string& argument) {
  fs::path path(argument);
  if (!path.has_filename()) path = path.parent_path();
  return path.extension() == ".gguf" ? path.stem().string() : path.filename().string();
}

std::string voice_name(const VoiceSpec& spec) {
  const std::string model = short_name(spec.model);
  return spec.adapter.empty() ? model : model + " + " + short_name(spec.adapter);
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
  try {
    return make_chat_template(with_file, tokenizer);
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("{}: {}", settings.template_file, error.what()));
  }
}

std::vector<AdapterSet::Entry> load_onto(LoadedModel& loaded, const std::string& adapter) {
  if (adapter.empty()) return {};
  const LoadedAdapter made =
      load_adapter(loaded.model(), adapter, {.fingerprint = weights_fingerprint(loaded.source())});
  for (const std::string& note : made.notes) say(fmt::format("{}: {}", adapter, note));
  return made.adapters.entries();
}

}  // namespace

Voice::Voice(std::string name, std::shared_ptr<LoadedModel> loaded, std::vector<AdapterSet::Entry> adapters,
             std::shared_ptr<ChatTemplate> chat_template, const VoiceSettings& settings)
    : name_(std::move(name)),
      loaded_(std::move(loaded)),
      adapters_(std::move(adapters)),
      template_(std::move(chat_template)),
      conversation_(loaded_->model(), {loaded_->tokenizer(), *template_}, settings.conversation) {
  conversation_.set_system(settings.system);
}

void Voice::activate() {
  loaded_->model().for_each_linear([](size_t, Linear& linear) { linear.set_adapter(nullptr); });
  for (const AdapterSet::Entry& entry : adapters_) entry.linear->set_adapter(entry.adapter);
}

void check_voices(const std::vector<VoiceSpec>& specs, const VoiceSettings& settings) {
  for (const VoiceSpec& spec : specs) {
    const OpenedModel opened = open_model(spec.model);
    make_template(opened, *make_tokenizer(opened), settings);
    std::error_code ignored;
    if (!spec.adapter.empty() && !fs::exists(spec.adapter, ignored))
      fail(ErrorCode::kNotFound, "{}: no such adapter", spec.adapter);
  }
}

Voices load_voices(const std::vector<VoiceSpec>& specs, const VoiceSettings& settings) {
  std::map<fs::path, std::shared_ptr<LoadedModel>> models;
  Voices voices;
  for (const VoiceSpec& spec : specs) {
    std::shared_ptr<LoadedModel>& loaded = models[fs::weakly_canonical(find_model(spec.model))];
    if (loaded == nullptr) loaded = std::make_shared<LoadedModel>(spec.model);
    auto chat_template = make_template(open_model(spec.model), loaded->tokenizer(), settings);
    voices.push_back(std::make_unique<Voice>(voice_name(spec), loaded, load_onto(*loaded, spec.adapter),
                                             std::move(chat_template), settings));
  }
  return voices;
}

}  // namespace hone::cli
