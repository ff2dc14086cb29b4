// A model argument of the command line, ready for use: weights packed, tokenizer, chat template, adapter on
// top.
#pragma once

#include <memory>
#include <string>

#include "data/dataset.h"
#include "models/model.h"

namespace hone {

class LoadedModel {
 public:
  // model: a GGUF file, a Hugging Face folder or a name in the store. adapter: a PEFT folder or a GGUF
  // adapter, or empty. Throws what open_model(), Model and load_adapter() throw.
  explicit LoadedModel(const std::string& model, const std::string& adapter = {}, bool ignore_base = false);

  Model& model() noexcept { return *model_; }
  const Model& model() const noexcept { return *model_; }
  WeightSource& source() noexcept { return *opened_.source; }
  const Tokenizer& tokenizer() const noexcept { return *tokenizer_; }
  const std::filesystem::path& path() const noexcept { return opened_.path; }
  bool has_chat_template() const noexcept { return template_ != nullptr; }
  // Throws kNotSupported when the model has no chat template.
  ChatCodec codec() const;

 private:
  OpenedModel opened_;
  std::unique_ptr<Tokenizer> tokenizer_;
  std::unique_ptr<ChatTemplate> template_;
  std::unique_ptr<Model> model_;
};

// The tokenizer and chat template of an opened model.
std::unique_ptr<Tokenizer> make_tokenizer(const OpenedModel& opened);
// nullptr when the model has none.
std::unique_ptr<ChatTemplate> make_chat_template(const OpenedModel& opened, const Tokenizer& tokenizer);

}  // namespace hone
