#include "io/tokenizer_io.h"

#include <algorithm>
#include <array>
#include <cctype>
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

// Readers have a default for what is absent, where has_default: "none" must be said.
void store_id(Metadata& metadata, const char* name, TokenId id, bool has_default) {
  if (id >= 0 || has_default) metadata.set_u32(key(name), static_cast<uint32_t>(id));
}

template <typename Stored, typename Values>
void store_array(Metadata& metadata, std::string_view name, MetaType element, const Values& values) {
  std::vector<Stored> stored;
  stored.reserve(values.size());
  for (const auto value : values) stored.push_back(static_cast<Stored>(value));
  metadata.set(std::string(name), MetaValue{MetaType::kArray, MetaArray{element, std::move(stored)}});
}

// What GGUF has no key for: hone writes keys of its own beside those that others read.
constexpr const char* kSpacePrefixKey = "hone.tokenizer.space_prefix";
constexpr const char* kLeftStripKey = "hone.tokenizer.lstrip_token_ids";
constexpr const char* kRightStripKey = "hone.tokenizer.rstrip_token_ids";
constexpr std::array<std::pair<std::string_view, SpacePrefix>, 2> kSpacePrefixes = {
    {{"always", SpacePrefix::kUnspaced}, {"first", SpacePrefix::kFirst}}};

SpacePrefix read_space_prefix(const Metadata& metadata) {
  if (!metadata.find_bool(key("add_space_prefix")).value_or(true)) return SpacePrefix::kNone;
  const std::string name = metadata.find_string(kSpacePrefixKey).value_or("");
  for (const auto& [known, prefix] : kSpacePrefixes)
    if (name == known) return prefix;
  return SpacePrefix::kEach;
}

std::vector<TokenId> read_ids(const Metadata& metadata, const char* name, size_t n) {
  std::vector<TokenId> ids;
  if (metadata.find(name) == nullptr) return ids;
  for (const int64_t id : metadata.integers(name)) {
    if (id < 0 || id >= static_cast<int64_t>(n))
      fail(ErrorCode::kCorruption, "{}: got {}, expected token ids below {}", name, id, n);
    ids.push_back(static_cast<TokenId>(id));
  }
  return ids;
}

// Phi 3's turn tokens take away the white space behind them. Its GGUF files cannot say so; llama.cpp goes by
// their name.
std::vector<TokenId> phi3_rstrip(const Metadata& metadata, const TokenizerData& data) {
  std::string name = metadata.find_string("general.name").value_or("");
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  std::vector<TokenId> ids;
  if (name.find("phi-3") == std::string::npos && name.find("phi3") == std::string::npos) return ids;
  for (size_t i = 0; i < data.tokens.size(); ++i) {
    const std::string& text = data.tokens[i];
    const TokenType type = data.types[i];
    const bool special =
        type == TokenType::kControl || type == TokenType::kUserDefined || type == TokenType::kUnknown;
    const bool bare = text == "<unk>" || text == "<s>" || text == "<|endoftext|>";
    if ((special || text == "</s>") && !bare) ids.push_back(static_cast<TokenId>(i));
  }
  return ids;
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
  if (spm) data.space_prefix = read_space_prefix(metadata);
  data.lstrip = read_ids(metadata, kLeftStripKey, data.tokens.size());
  data.rstrip = read_ids(metadata, kRightStripKey, data.tokens.size());
  if (metadata.find(kRightStripKey) == nullptr) data.rstrip = phi3_rstrip(metadata, data);
  return data;
}

void store_tokenizer(const TokenizerData& data, Metadata& metadata) {
  metadata.set_string(key("model"), data.model);
  // Other readers want a value for SentencePiece-style models too, and call it "default".
  metadata.set_string(key("pre"), data.pre.empty() ? "default" : data.pre);
  metadata.set_strings(key("tokens"), data.tokens);
  store_array<int64_t>(metadata, key("token_type"), MetaType::kI32, data.types);
  if (!data.scores.empty()) store_array<double>(metadata, key("scores"), MetaType::kF32, data.scores);
  if (!data.merges.empty()) metadata.set_strings(key("merges"), data.merges);
  const bool spm = data.model == "llama";
  store_id(metadata, "bos_token_id", data.bos, spm);
  store_id(metadata, "eos_token_id", data.eos, spm);
  store_id(metadata, "eot_token_id", data.eot, false);
  store_id(metadata, "unknown_token_id", data.unk, spm);
  store_id(metadata, "padding_token_id", data.pad, false);
  metadata.set_bool(key("add_bos_token"), data.add_bos);
  metadata.set_bool(key("add_eos_token"), data.add_eos);
  if (!data.lstrip.empty()) store_array<int64_t>(metadata, kLeftStripKey, MetaType::kI32, data.lstrip);
  if (!data.rstrip.empty()) store_array<int64_t>(metadata, kRightStripKey, MetaType::kI32, data.rstrip);
  if (!spm) return;
  metadata.set_bool(key("add_space_prefix"), data.space_prefix != SpacePrefix::kNone);
  for (const auto& [name, prefix] : kSpacePrefixes)
    if (data.space_prefix == prefix) metadata.set_string(kSpacePrefixKey, std::string(name));
}

}  // namespace hone
