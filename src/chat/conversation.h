// A conversation: messages, and a KV cache in which only what is new is run at each turn.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "data/dataset.h"
#include "runtime/generate.h"

namespace hone {

struct ConversationSettings {
  size_t context = 0;  // tokens that fit; 0 = the model's, at most kDefaultContext
  KvFormat cache_type = KvFormat::kF16;
};
constexpr size_t kDefaultContext = 4096;

struct Turn {
  GenerateResult result;      // finish "cancelled": stopped by Ctrl-C; what was written until then counts
  size_t context_tokens = 0;  // of prompt and answer together
  size_t newly_left_out = 0;  // old messages that no longer fit
};

class Conversation {
 public:
  // The model and codec must outlive it. Throws kInvalidArgument (context), kResourceExhausted.
  Conversation(const Model& model, ChatCodec codec, const ConversationSettings& settings);

  const nlohmann::ordered_json& messages() const noexcept { return messages_; }
  // Replaces all; a system message may stand first.
  void set_messages(nlohmann::ordered_json messages);
  std::string system() const;
  // Empty: none. The other messages stay.
  void set_system(const std::string& text);
  void reset();  // the system message stays
  // Takes the last user message and everything after it away; returns it, or "" when there is none.
  std::string undo();

  // The model's answer to a message; both become part of the conversation. When the context is full the
  // oldest exchanges are left out until half of it is free (they stay in messages()). Throws kInvalidArgument
  // when the message alone does not fit; then, and after any other error, nothing has changed.
  Turn reply(const std::string& user, const GenerateOptions& options,
             const std::function<bool(std::string_view)>& on_text);

  size_t context() const noexcept { return kept_.cache.capacity(); }

 private:
  size_t first_message() const;  // behind the system message
  std::vector<TokenId> encode() const;
  std::vector<TokenId> encode_to_fit(size_t max_tokens, Turn& turn);

  const Model& model_;
  ChatCodec codec_;
  KeptText kept_;
  nlohmann::ordered_json messages_ = nlohmann::ordered_json::array();
  size_t left_out_ = 0;  // messages behind the system message that are not sent any more
};

}  // namespace hone
