#include "pipeline/loaded_model.h"

#include "base/error.h"
#include "base/progress.h"

namespace hone {
namespace {

// What work() makes of a part of the model; its errors name the file.
template <typename Work>
auto naming_file(const OpenedModel& opened, const Work& work) {
  try {
    return work();
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("{}: {}", opened.path.string(), error.what()));
  }
}

}  // namespace

std::unique_ptr<Tokenizer> make_tokenizer(const OpenedModel& opened) {
  return naming_file(opened, [&] { return std::make_unique<Tokenizer>(opened.tokenizer); });
}

std::unique_ptr<ChatTemplate> make_chat_template(const OpenedModel& opened, const Tokenizer& tokenizer) {
  if (opened.chat_template.empty()) return nullptr;
  const auto text = [&](TokenId id) { return id < 0 ? std::string() : tokenizer.token_bytes(id, true); };
  ChatTemplate::Variables others;
  if (tokenizer.data().unk >= 0) others.emplace_back("unk_token", text(tokenizer.data().unk));
  if (tokenizer.data().pad >= 0) others.emplace_back("pad_token", text(tokenizer.data().pad));
  return naming_file(opened, [&] {
    return std::make_unique<ChatTemplate>(opened.chat_template, text(tokenizer.data().bos),
                                          text(tokenizer.data().eos), others);
  });
}

LoadedModel::LoadedModel(const std::string& model, std::span<const AdapterChoice> adapters, bool ignore_base,
                         LoadWeights load)
    : opened_(open_model(model)) {
  tokenizer_ = make_tokenizer(opened_);
  template_ = make_chat_template(opened_, *tokenizer_);
  // Read before the weights are packed and the file's pages released.
  if (!adapters.empty()) fingerprint_ = weights_fingerprint(*opened_.source);
  model_ = std::make_unique<Model>(*opened_.source, load);
  adapters_ = std::make_unique<AdapterStack>(*model_);
  for (const AdapterChoice& adapter : adapters) add_adapter(adapter, ignore_base);
}

void LoadedModel::add_adapter(const AdapterChoice& adapter, bool ignore_base) {
  if (fingerprint_.empty()) fingerprint_ = weights_fingerprint(*opened_.source);
  const LoadedAdapter& loaded =
      adapters_->add(adapter, {.fingerprint = fingerprint_, .ignore_base = ignore_base});
  for (const std::string& note : loaded.notes) say(fmt::format("{}: {}", adapter.path.string(), note));
}

ChatCodec LoadedModel::codec() const {
  if (template_ == nullptr)
    fail(ErrorCode::kNotSupported,
         "{}: this model has no chat template; chats cannot be rendered for it; give it "
         "one: hone convert MODEL -o NEW.gguf --chat-template FILE",
         opened_.path.string());
  return ChatCodec{.tokenizer = *tokenizer_, .chat_template = *template_};
}

}  // namespace hone
