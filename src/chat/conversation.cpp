#include "chat/conversation.h"

#include <algorithm>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/memory.h"

namespace hone {
namespace {

using nlohmann::ordered_json;

bool has_role(const ordered_json& message, const char* role) {
  return message.value("role", "") == role;
}

size_t context_for(const ModelConfig& config, size_t wanted) {
  const size_t most = config.context_length;
  if (wanted == 0) {
    // Short texts are turned better by the short factors.
    const size_t fitting = config.short_context_length > 0 ? config.short_context_length : most;
    return fitting > 0 ? std::min(fitting, kDefaultContext) : kDefaultContext;
  }
  if (most > 0 && wanted > most)
    fail(ErrorCode::kInvalidArgument, "context: got {} tokens, expected at most the model's {}", wanted,
         most);
  return wanted;
}

KvCache cache_for(const ModelConfig& config, const ConversationSettings& settings) {
  const size_t context = context_for(config, settings.context);
  const uint64_t needed = KvCache::bytes(config, context, settings.cache_type, KvKept::kSeen);
  const uint64_t available = available_memory_bytes();
  if (needed > available)
    fail(ErrorCode::kResourceExhausted,
         "context: keys and values of {} tokens need {} of memory, {} are available; lower --context or take "
         "a "
         "smaller --cache-type",
         context, format_bytes(needed), format_bytes(available));
  return {config, context, settings.cache_type, context, KvKept::kSeen};
}

}  // namespace

Conversation::Conversation(const Model& model, ChatCodec codec, const ConversationSettings& settings)
    : model_(model), codec_(codec), kept_{.cache = cache_for(model.config(), settings), .tokens = {}} {}

size_t Conversation::first_message() const {
  return !messages_.empty() && has_role(messages_[0], "system") ? 1 : 0;
}

void Conversation::set_messages(ordered_json messages) {
  messages_ = std::move(messages);
  left_out_ = 0;
}

std::string Conversation::system() const {
  return first_message() == 1 ? messages_[0].value("content", "") : std::string();
}

void Conversation::set_system(const std::string& text) {
  if (first_message() == 1) messages_.erase(0);
  if (!text.empty()) messages_.insert(messages_.begin(), ordered_json{{"role", "system"}, {"content", text}});
}

void Conversation::reset() {
  messages_.erase(messages_.begin() + static_cast<std::ptrdiff_t>(first_message()), messages_.end());
  left_out_ = 0;
}

std::string Conversation::undo() {
  for (size_t i = messages_.size(); i-- > first_message();) {
    if (!has_role(messages_[i], "user")) continue;
    std::string text = messages_[i].value("content", "");
    messages_.erase(messages_.begin() + static_cast<std::ptrdiff_t>(i), messages_.end());
    left_out_ = 0;  // what fits is found anew
    return text;
  }
  return {};
}

std::vector<TokenId> Conversation::encode() const {
  ordered_json sent = ordered_json::array();
  const size_t first = first_message();
  for (size_t i = 0; i < messages_.size(); ++i)
    if (i < first || i >= first + left_out_) sent.push_back(messages_[i]);
  return encode_prompt(codec_, sent);
}

std::vector<TokenId> Conversation::encode_to_fit(size_t max_tokens, Turn& turn) {
  std::vector<TokenId> tokens = encode();
  const size_t reserve = std::min(max_tokens, context() / 4);
  if (tokens.size() + reserve > context()) {
    const size_t begin = first_message();
    while (tokens.size() > context() / 2 && begin + left_out_ + 1 < messages_.size()) {
      // Whole exchanges: what is sent begins with a user message, as templates expect.
      do {
        ++left_out_;
        ++turn.newly_left_out;
      } while (begin + left_out_ + 1 < messages_.size() && !has_role(messages_[begin + left_out_], "user"));
      tokens = encode();
    }
  }
  if (tokens.size() >= context())
    fail(ErrorCode::kInvalidArgument,
         "message: got {} tokens with the template{}, expected fewer than the context of {}; shorten it or "
         "raise "
         "--context",
         tokens.size(), first_message() == 1 ? " and the system message" : "", context());
  return tokens;
}

Turn Conversation::reply(const std::string& user, const GenerateOptions& options,
                         const std::function<bool(std::string_view)>& on_text) {
  const ordered_json before = messages_;
  const size_t left_out_before = left_out_;
  Turn turn;
  std::string written;
  const auto take_back = [&] {
    messages_ = before;
    left_out_ = left_out_before;
  };
  messages_.push_back({{"role", "user"}, {"content", user}});
  try {
    const std::vector<TokenId> prompt = encode_to_fit(options.max_tokens, turn);
    GenerateOptions kept = options;
    kept.kept = &kept_;
    try {
      turn.result = generate(model_, codec_.tokenizer, prompt, kept, [&](std::string_view text) {
        written += text;
        return !on_text || on_text(text);
      });
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kCancelled || !take_ctrl_c()) throw;
      turn.result.text = written;
      turn.result.finish = "cancelled";
      turn.result.prompt_tokens = prompt.size();
    }
    turn.context_tokens = kept_.tokens.size();
  } catch (...) {
    take_back();
    throw;
  }
  if (turn.result.finish == "cancelled" && written.empty()) {
    take_back();
  } else {
    messages_.push_back({{"role", "assistant"}, {"content", turn.result.text}});
  }
  return turn;
}

}  // namespace hone
