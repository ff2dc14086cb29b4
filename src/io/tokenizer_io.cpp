#include "io/tokenizer_io.h"

#include <limits>

#include "base/error.h"
#include "text/pre_tokenizer.h"

namespace hone {
namespace {

std::string key(const char* name) {
  return std::string("tokenizer.ggml.") + name;
}

// An absent id gets `fallback`; 2^32-1 is how some writers say "none".
TokenId read_id(const Metadata& metadata, const char* name, TokenId fallback) {
  const std::optional<uint64_t> id = metadata.find_integer(key(name));
  if (!id) return fallback;
  if (*id == std::numeric_limits<uint32_t>::max()) return -1;
  if (*id > static_cast<uint64_t>(std::numeric_limits<TokenId>::max()))
    fail(ErrorCode::kCorruption, "{}: got {}, expected a token id", key(name), *id);
  return static_cast<TokenId>(*id);
}

std::vector<TokenType> read_types(const Metadata& metadata, size_t n) {
  if (metadata.find(key("token_type")) == nullptr) return std::vector<TokenType>(n, TokenType::kNormal);
  std::vector<TokenType> types;
  for (const int64_t type : metadata.integers(key("token_type"))) {
    // 0 is "undefined": some writers leave it.
    if (type < 0 || type > static_cast<int64_t>(TokenType::kByte))
      fail(ErrorCode::kCorruption, "{}: token {}: got {}, expected 0 to 6", key("token_type"), types.size(),
           type);
    types.push_back(type == 0 ? TokenType::kNormal : static_cast<TokenType>(type));
  }
  return types;
}

std::vector<float> read_scores(const Metadata& metadata, size_t n) {
  if (metadata.find(key("scores")) == nullptr) return std::vector<float>(n, 0.0F);
  std::vector<float> scores;
  for (const double score : metadata.numbers(key("scores"))) scores.push_back(static_cast<float>(score));
  return scores;
}

void store_id(Metadata& metadata, const char* name, TokenId id) {
  if (id >= 0) metadata.set_u32(key(name), static_cast<uint32_t>(id));
}

template <typename Stored, typename Values>
void store_array(Metadata& metadata, const char* name, MetaType element, const Values& values) {
  std::vector<Stored> stored;
  stored.reserve(values.size());
  for (const auto value : values) stored.push_back(static_cast<Stored>(value));
  metadata.set(key(name), MetaValue{MetaType::kArray, MetaArray{element, std::move(stored)}});
}

}  // namespace

TokenizerData tokenizer_data(const Metadata& metadata) {
  TokenizerData data;
  const std::optional<std::string> model = metadata.find_string(key("model"));
  if (!model) fail(ErrorCode::kNotFound, "{}: missing; the file holds no tokenizer", key("model"));
  data.model = *model;
  if (data.model != "gpt2" && data.model != "llama")
    fail(ErrorCode::kNotSupported, "{}: got \"{}\", expected gpt2 (byte-level BPE) or llama", key("model"),
         data.model.substr(0, 80));
  data.tokens = metadata.strings(key("tokens"));
  data.types = read_types(metadata, data.tokens.size());
  const bool spm = data.model == "llama";
  if (spm) {
    data.scores = read_scores(metadata, data.tokens.size());
  } else {
    const std::optional<std::string> pre = metadata.find_string(key("pre"));
    if (!pre)
      fail(ErrorCode::kNotSupported,
           "{}: missing; expected one of: {}; convert the model again with a newer tool", key("pre"),
           pre_tokenizer_names());
    data.pre = *pre;
    data.merges = metadata.strings(key("merges"));
  }
  data.bos = read_id(metadata, "bos_token_id", spm ? 1 : -1);
  data.eos = read_id(metadata, "eos_token_id", spm ? 2 : -1);
  data.eot = read_id(metadata, "eot_token_id", -1);
  data.unk = read_id(metadata, "unknown_token_id", spm ? 0 : -1);
  data.pad = read_id(metadata, "padding_token_id", -1);
  const PreTokenizer* row = find_pre_tokenizer(data.pre);
  const bool default_bos = data.bos >= 0 && (spm || (row != nullptr && row->add_bos));
  data.add_bos = metadata.find_bool(key("add_bos_token")).value_or(default_bos);
  data.add_eos = metadata.find_bool(key("add_eos_token")).value_or(false);
  data.add_space_prefix = spm && metadata.find_bool(key("add_space_prefix")).value_or(true);
  return data;
}

void store_tokenizer(const TokenizerData& data, Metadata& metadata) {
  metadata.set_string(key("model"), data.model);
  // Other readers want a value for SentencePiece-style models too, and call it "default".
  metadata.set_string(key("pre"), data.pre.empty() ? "default" : data.pre);
  metadata.set_strings(key("tokens"), data.tokens);
  store_array<int64_t>(metadata, "token_type", MetaType::kI32, data.types);
  if (!data.scores.empty()) store_array<double>(metadata, "scores", MetaType::kF32, data.scores);
  if (!data.merges.empty()) metadata.set_strings(key("merges"), data.merges);
  store_id(metadata, "bos_token_id", data.bos);
  store_id(metadata, "eos_token_id", data.eos);
  store_id(metadata, "eot_token_id", data.eot);
  store_id(metadata, "unknown_token_id", data.unk);
  store_id(metadata, "padding_token_id", data.pad);
  metadata.set_bool(key("add_bos_token"), data.add_bos);
  metadata.set_bool(key("add_eos_token"), data.add_eos);
  if (data.model == "llama") metadata.set_bool(key("add_space_prefix"), data.add_space_prefix);
}

}  // namespace hone
