// The one or two that answer in `hone chat`: a model, perhaps with an adapter, and its conversation.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "chat/conversation.h"
#include "pipeline/loaded_model.h"

namespace hone::cli {

struct VoiceSpec {
  std::string model, adapter;
};

struct VoiceSettings {
  ConversationSettings conversation;
  std::string template_file;  // instead of the model's own chat template
  std::string system;
  bool ignore_base = false;  // take adapters though they were trained on other weights
};

// One of the model's adapters, by its place in LoadedModel::adapters(), and how much of it is added.
struct VoiceAdapter {
  size_t index = 0;
  double scale = 1;
};

class Voice {
 public:
  Voice(std::string name, std::shared_ptr<LoadedModel> loaded, std::optional<VoiceAdapter> adapter,
        std::shared_ptr<ChatTemplate> chat_template, const VoiceSettings& settings);
  const std::string& name() const noexcept { return name_; }
  Conversation& conversation() noexcept { return conversation_; }
  const LoadedModel& loaded() const noexcept { return *loaded_; }
  // Puts this voice's adapter on the model, which it may share with another voice.
  void activate();

 private:
  std::string name_;
  std::shared_ptr<LoadedModel> loaded_;
  std::optional<VoiceAdapter> adapter_;
  std::shared_ptr<ChatTemplate> template_;
  Conversation conversation_;
};

using Voices = std::vector<std::unique_ptr<Voice>>;

// What can be known in a moment: that the files are there, that chats can be rendered. Throws what
// load_voices would.
void check_voices(const std::vector<VoiceSpec>& specs, const VoiceSettings& settings);
// A model that two voices name is loaded once.
Voices load_voices(const std::vector<VoiceSpec>& specs, const VoiceSettings& settings);

}  // namespace hone::cli
