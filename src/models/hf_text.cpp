// The text side of a Hugging Face folder: tokenizer, end-of-turn tokens, chat template.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/error.h"
#include "io/tokenizer_io.h"
#include "models/config_reader.h"
#include "models/hf_source.h"

namespace hone {
namespace fs = std::filesystem;
namespace {

// A token id, or a list of them as generation configs have.
std::vector<TokenId> token_ids(const nlohmann::json& object, const std::string& key, size_t n_vocab,
                               const fs::path& path) {
  const nlohmann::json* value = json_find(object, key);
  if (value == nullptr) return {};
  std::vector<TokenId> ids;
  const nlohmann::json list = value->is_array() ? *value : nlohmann::json::array({*value});
  for (const nlohmann::json& id : list) {
    // Some configs hold -1 for "none".
    if (id.is_number_integer() && !id.is_number_unsigned()) continue;
    if (!id.is_number_unsigned() || id.get<uint64_t>() >= n_vocab)
      fail(ErrorCode::kCorruption, "{}: {}: expected token ids below the vocabulary size {}", path.string(),
           key, n_vocab);
    ids.push_back(static_cast<TokenId>(id.get<uint64_t>()));
  }
  return ids;
}

// "chat_template" is a string, or a list of named ones.
std::string template_in(const nlohmann::json& config, const fs::path& path) {
  const nlohmann::json* value = json_find(config, "chat_template");
  if (value == nullptr) return {};
  if (value->is_string()) return value->get<std::string>();
  if (!value->is_array())
    fail(ErrorCode::kCorruption, "{}: chat_template: expected a string or a list", path.string());
  std::string first;
  for (const nlohmann::json& entry : *value) {
    if (!entry.is_object())
      fail(ErrorCode::kCorruption, "{}: chat_template: expected objects", path.string());
    std::string text = json_string(entry, "template", "");
    if (json_string(entry, "name", "") == "default") return text;
    if (first.empty()) first = text;
  }
  return first;
}

// Tokens added behind the vocabulary that the model has no embedding for (Gemma 3's for images, a padding
// token of a tuning script): nothing can use them. Those that begin or end every text must have one.
void drop_tokens_without_rows(TokenizerData& data, size_t n_vocab) {
  const auto is_added = [&](size_t id) { return data.types[id] != TokenType::kNormal; };
  const auto needed = [&](size_t id) {
    const auto token = static_cast<TokenId>(id);
    return token == data.bos || token == data.eos || token == data.unk;
  };
  while (data.tokens.size() > n_vocab) {
    const size_t last = data.tokens.size() - 1;
    if (!is_added(last) || needed(last)) return;
    if (data.pad == static_cast<TokenId>(last)) data.pad = -1;
    data.tokens.pop_back();
    data.types.pop_back();
    if (!data.scores.empty()) data.scores.pop_back();
  }
  for (std::vector<TokenId>* ids : {&data.lstrip, &data.rstrip})
    std::erase_if(*ids, [&](TokenId id) { return id >= static_cast<TokenId>(data.tokens.size()); });
}

}  // namespace

void HfSource::read_tokenizer(const nlohmann::json& config, size_t n_vocab) {
  tokenizer_ = load_tokenizer_json(folder_);
  const size_t n_tokens = tokenizer_.tokens.size();
  drop_tokens_without_rows(tokenizer_, n_vocab);
  if (tokenizer_.tokens.size() > n_vocab)
    fail(ErrorCode::kCorruption, "{}: tokenizer.json has {} tokens, config.json's vocab_size is {}",
         folder_.string(), n_tokens, n_vocab);
  pad_vocabulary(tokenizer_, n_vocab);
  const auto first = [](const std::vector<TokenId>& ids) { return ids.empty() ? TokenId{-1} : ids.front(); };
  const fs::path config_path = folder_ / "config.json";
  if (tokenizer_.bos < 0) tokenizer_.bos = first(token_ids(config, "bos_token_id", n_vocab, config_path));
  if (tokenizer_.pad < 0) tokenizer_.pad = first(token_ids(config, "pad_token_id", n_vocab, config_path));
  std::vector<TokenId> ends = token_ids(config, "eos_token_id", n_vocab, config_path);
  const fs::path generation_path = folder_ / "generation_config.json";
  if (fs::exists(generation_path)) {
    const std::vector<TokenId> more =
        token_ids(read_json_object(generation_path), "eos_token_id", n_vocab, generation_path);
    ends.insert(ends.end(), more.begin(), more.end());
  }
  if (tokenizer_.eos < 0) tokenizer_.eos = first(ends);
  // Generation stops at any of these; GGUF has one more place, the end of a turn.
  for (const TokenId id : ends)
    if (tokenizer_.eot < 0 && id != tokenizer_.eos) tokenizer_.eot = id;
  store_tokenizer(tokenizer_, metadata_);
}

void HfSource::read_chat_template() {
  const fs::path file = folder_ / "chat_template.jinja", config = folder_ / "tokenizer_config.json";
  if (fs::exists(file)) {
    chat_template_ = read_file(file);
  } else if (fs::exists(config)) {
    chat_template_ = template_in(read_json_object(config), config);
  }
  if (!chat_template_.empty()) metadata_.set_string("tokenizer.chat_template", chat_template_);
}

}  // namespace hone
