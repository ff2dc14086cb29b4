// Training and evaluation samples: read, rendered by the model's own template, tokenized, masked, packed.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "models/model.h"
#include "text/chat_template.h"

namespace hone {

// What turns messages into tokens; shared by training, chat and evaluation.
struct ChatCodec {
  const Tokenizer& tokenizer;
  const ChatTemplate& chat_template;
};

struct Sample {
  std::vector<TokenId> tokens;
  std::vector<uint8_t>
      supervised;   // 1 where the token is learned: assistant content, tool calls, and the end-of-turn token
  size_t line = 0;  // 1-based line in the source file
  bool truncated = false;
  size_t n_unseen_calls = 0;  // assistant messages whose tool calls the template does not show: not learned
  size_t n_supervised() const noexcept;
};

// A chat as read, and the line it came from.
struct ChatRecord {
  nlohmann::ordered_json messages;
  size_t line = 0;
  nlohmann::ordered_json tools = {};  // for the template; null when none
  size_t n_given = 0;                 // so many messages are the prompt: their answers are not learned
};

// JSON Lines with "messages", or "prompt"/"completion", or alpaca's "instruction"/"input"/"output", or
// ShareGPT's "conversations". Throws kInvalidArgument "file:line: …" for broken JSON, missing keys, unknown
// roles, empty files. Of "prompt" and "completion" as lists of messages the completion's answers are learned.
std::vector<ChatRecord> read_chats(const std::filesystem::path& path);

class ChatRenderer;  // chat_renderer.h: of a codec, made once for many chats

// Throws kInvalidArgument naming file and line when a sample has no supervised token (also after truncation).
Sample encode_chat(const ChatRenderer& renderer, const ChatRecord& record, size_t max_length,
                   const std::string& where);
Sample encode_chat(const ChatCodec& codec, const ChatRecord& record, size_t max_length,
                   const std::string& where);
// Tokens of a prompt that ends with the template's generation prompt.
std::vector<TokenId> encode_prompt(const ChatCodec& codec, const nlohmann::ordered_json& messages,
                                   const nlohmann::ordered_json& tools = {});

struct Dataset {
  std::filesystem::path path;
  std::vector<Sample> samples;
  std::string content_hash;
  size_t n_tokens = 0, n_supervised = 0, n_truncated = 0, n_unseen_calls = 0;
};
Dataset load_dataset(const std::filesystem::path& path, const ChatCodec& codec, size_t max_length,
                     size_t limit = 0);

// Samples placed whole into rows of at most `capacity` tokens by best-fit decreasing. targets[t] is the token
// to be predicted at t, -1 where nothing is learned; there is none across a join.
struct PackedBatch {
  TokenBatch batch;
  std::vector<int32_t> targets;
  size_t n_targets = 0;
  std::vector<size_t> samples;  // indices, in order of placement
};
std::vector<PackedBatch> pack(const std::vector<Sample>& samples, std::span<const size_t> order,
                              size_t capacity);
// One sample alone.
PackedBatch single_batch(const Sample& sample);

}  // namespace hone
