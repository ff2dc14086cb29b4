// A model argument of the command line, ready for use: weights packed, tokenizer, chat template, adapter on
// top.
#pragma once

#include <memory>
#include <string>

#include "data/dataset.h"
#include "models/model.h"
#include "tune/adapter_stack.h"

namespace hone {

class LoadedModel {
 public:
  // model: a GGUF file, a Hugging Face folder or a name in the store. Throws what open_model(), Model and
  // AdapterStack::add() throw.
  explicit LoadedModel(const std::string& model, std::span<const AdapterChoice> adapters = {},
                       bool ignore_base = false, LoadWeights load = LoadWeights::kNow);

  Model& model() noexcept { return *model_; }
  const Model& model() const noexcept { return *model_; }
  // One more on top, its notes said. Throws what AdapterStack::add() throws.
  void add_adapter(const AdapterChoice& adapter, bool ignore_base = false);
  // Their scales may be changed; empty without adapters.
  AdapterStack& adapters() noexcept { return *adapters_; }
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
  std::unique_ptr<AdapterStack> adapters_;
  std::string fingerprint_;  // empty until the first adapter
};

// The tokenizer and chat template of an opened model.
std::unique_ptr<Tokenizer> make_tokenizer(const OpenedModel& opened);
// nullptr when the model has none.
std::unique_ptr<ChatTemplate> make_chat_template(const OpenedModel& opened, const Tokenizer& tokenizer);

}  // namespace hone
