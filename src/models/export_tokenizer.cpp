// tokenizer.json and tokenizer_config.json from what GGUF keeps of a tokenizer. Byte-level BPE gets its
// pre-tokenizer back by name; SentencePiece-style vocabularies get merges derived from their scores.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <unordered_set>

#include "base/atomic_file.h"
#include "base/error.h"
#include "models/convert.h"
#include "text/pre_tokenizer.h"

namespace hone {
namespace {

using Json = nlohmann::ordered_json;

const PreTokenizer& row_of(const std::string& pre) {
  const PreTokenizer* row = find_pre_tokenizer(pre);
  if (row == nullptr || row->steps == nullptr)
    fail(ErrorCode::kNotSupported, "tokenizer.ggml.pre: got '{}', for which hone writes no tokenizer.json",
         pre);
  return *row;
}

Json byte_level(bool add_prefix_space, bool use_regex) {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", add_prefix_space},
          {"trim_offsets", true},
          {"use_regex", use_regex}};
}

// From the steps of pre_tokenizer.h.
Json pre_tokenizer(const PreTokenizer& row) {
  constexpr std::string_view kSeparator = " + ", kSplit = "split:";
  Json list = Json::array();
  bool has_bytes = false;
  for (std::string_view rest = row.steps; !rest.empty();) {
    const size_t end = std::min(rest.find(kSeparator), rest.size());
    const std::string_view step = rest.substr(0, end);
    rest.remove_prefix(std::min(rest.size(), end + kSeparator.size()));
    if (step == "byte_level_regex") {
      list.push_back(byte_level(false, true));
      has_bytes = true;
    } else if (step == "digit") {
      list.push_back({{"type", "Digits"}, {"individual_digits", true}});
    } else {
      HONE_CHECK(step.starts_with(kSplit), "step {}", step);
      list.push_back({{"type", "Split"},
                      {"pattern", {{"Regex", step.substr(kSplit.size())}}},
                      {"behavior", "Isolated"},
                      {"invert", false}});
    }
  }
  if (!has_bytes) list.push_back(byte_level(false, false));
  if (list.size() == 1) return list.front();
  return {{"type", "Sequence"}, {"pretokenizers", list}};
}

bool is_added(TokenType type) {
  return type == TokenType::kControl || type == TokenType::kUserDefined || type == TokenType::kUnknown;
}

Json added_tokens(const TokenizerData& data) {
  const std::unordered_set<TokenId> lstrip(data.lstrip.begin(), data.lstrip.end());
  const std::unordered_set<TokenId> rstrip(data.rstrip.begin(), data.rstrip.end());
  Json list = Json::array();
  for (size_t id = 0; id < data.tokens.size(); ++id) {
    if (!is_added(data.types[id])) continue;
    list.push_back({{"id", id},
                    {"content", data.tokens[id]},
                    {"single_word", false},
                    {"lstrip", lstrip.contains(static_cast<TokenId>(id))},
                    {"rstrip", rstrip.contains(static_cast<TokenId>(id))},
                    {"normalized", false},
                    {"special", data.types[id] != TokenType::kUserDefined}});
  }
  return list;
}

// BOS before and EOS after the text, as the metadata asks; null when neither is added.
Json post_processor(const TokenizerData& data) {
  Json single = Json::array(), pair = Json::array(), special = Json::object();
  const auto add = [&](TokenId id, int type_id, bool into_single) {
    const std::string& text = data.tokens[static_cast<size_t>(id)];
    const Json item = {{"SpecialToken", {{"id", text}, {"type_id", type_id}}}};
    if (into_single) single.push_back(item);
    pair.push_back(item);
    special[text] = {{"id", text}, {"ids", Json::array({id})}, {"tokens", Json::array({text})}};
  };
  const bool bos = data.add_bos && data.bos >= 0, eos = data.add_eos && data.eos >= 0;
  if (!bos && !eos) return nullptr;
  const auto text = [](const char* which, int type_id) {
    return Json{{"Sequence", {{"id", which}, {"type_id", type_id}}}};
  };
  if (bos) add(data.bos, 0, true);
  single.push_back(text("A", 0));
  pair.push_back(text("A", 0));
  if (eos) add(data.eos, 0, true);
  if (bos) add(data.bos, 1, false);
  pair.push_back(text("B", 1));
  if (eos) add(data.eos, 1, false);
  return {{"type", "TemplateProcessing"}, {"single", single}, {"pair", pair}, {"special_tokens", special}};
}

// Every way to cut a token into two tokens is a merge; better scores come first.
Json merges_from_scores(const TokenizerData& data) {
  std::unordered_map<std::string_view, size_t> ids;
  const auto is_text = [&](size_t id) {
    return data.types[id] == TokenType::kNormal || data.types[id] == TokenType::kUserDefined;
  };
  for (size_t id = 0; id < data.tokens.size(); ++id)
    if (is_text(id)) ids.emplace(data.tokens[id], id);
  struct Merge {
    float score;
    size_t left, right;
  };
  std::vector<Merge> merges;
  for (size_t id = 0; id < data.tokens.size(); ++id) {
    const std::string_view token = data.tokens[id];
    if (!is_text(id)) continue;
    for (size_t cut = 1; cut < token.size(); ++cut) {
      if ((static_cast<unsigned char>(token[cut]) & 0xc0) == 0x80) continue;  // inside a character
      const auto left = ids.find(token.substr(0, cut)), right = ids.find(token.substr(cut));
      if (left != ids.end() && right != ids.end())
        merges.push_back({data.scores[id], left->second, right->second});
    }
  }
  std::stable_sort(merges.begin(), merges.end(),
                   [](const Merge& a, const Merge& b) { return a.score > b.score; });
  Json list = Json::array();
  for (const Merge& merge : merges)
    list.push_back(Json::array({data.tokens[merge.left], data.tokens[merge.right]}));
  return list;
}

Json merges_as_stored(const TokenizerData& data) {
  Json list = Json::array();
  for (const std::string& merge : data.merges) {
    const size_t space = merge.find(' ');
    if (space == std::string::npos || space == 0 || space + 1 == merge.size())
      fail(ErrorCode::kCorruption, "tokenizer.ggml.merges: got '{}', expected 'left right'", merge);
    list.push_back(Json::array({merge.substr(0, space), merge.substr(space + 1)}));
  }
  return list;
}

Json vocabulary(const TokenizerData& data) {
  Json vocab = Json::object();
  std::unordered_map<std::string_view, size_t> seen;  // ordered_json would search its list for each insertion
  for (size_t id = 0; id < data.tokens.size(); ++id) {
    const auto [at, is_new] = seen.emplace(data.tokens[id], id);
    if (!is_new)
      fail(ErrorCode::kNotSupported,
           "tokenizer.ggml.tokens: '{}' is token {} and {}; tokenizer.json cannot say this", data.tokens[id],
           at->second, id);
    vocab.get_ref<Json::object_t&>().Container::emplace_back(data.tokens[id], id);
  }
  return vocab;
}

Json bpe_model(const TokenizerData& data, bool byte_fallback, bool ignore_merges) {
  Json unk = nullptr;
  if (byte_fallback && data.unk >= 0) unk = data.tokens[static_cast<size_t>(data.unk)];
  return {{"type", "BPE"},
          {"dropout", nullptr},
          {"unk_token", unk},
          {"continuing_subword_prefix", nullptr},
          {"end_of_word_suffix", nullptr},
          {"fuse_unk", byte_fallback},
          {"byte_fallback", byte_fallback},
          {"ignore_merges", ignore_merges},
          {"vocab", vocabulary(data)},
          {"merges",
           data.merges.empty() && !data.scores.empty() ? merges_from_scores(data) : merges_as_stored(data)}};
}

Json byte_level_tokenizer(const TokenizerData& data) {
  const PreTokenizer& row = row_of(data.pre);
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", added_tokens(data)},
          {"normalizer", row.nfc ? Json{{"type", "NFC"}} : Json()},
          {"pre_tokenizer", pre_tokenizer(row)},
          {"post_processor", post_processor(data)},
          {"decoder", byte_level(true, true)},
          {"model", bpe_model(data, false, row.ignore_merges)}};
}

// Where a space goes before the text: a normalizer says so or a pre-tokenizer (SpacePrefix).
Json sentencepiece_normalizer(const TokenizerData& data) {
  if (data.space_prefix == SpacePrefix::kUnspaced || data.space_prefix == SpacePrefix::kFirst) return nullptr;
  Json steps = Json::array();
  if (data.space_prefix == SpacePrefix::kEach) steps.push_back({{"type", "Prepend"}, {"prepend", "▁"}});
  steps.push_back({{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", "▁"}});
  return {{"type", "Sequence"}, {"normalizers", steps}};
}

Json sentencepiece_pre_tokenizer(const TokenizerData& data) {
  if (data.space_prefix != SpacePrefix::kUnspaced && data.space_prefix != SpacePrefix::kFirst) return nullptr;
  return {{"type", "Metaspace"},
          {"replacement", "▁"},
          {"prepend_scheme", data.space_prefix == SpacePrefix::kFirst ? "first" : "always"},
          {"split", false}};
}

Json sentencepiece_tokenizer(const TokenizerData& data) {
  Json decoders = Json::array();
  decoders.push_back({{"type", "Replace"}, {"pattern", {{"String", "▁"}}}, {"content", " "}});
  decoders.push_back({{"type", "ByteFallback"}});
  decoders.push_back({{"type", "Fuse"}});
  if (data.space_prefix != SpacePrefix::kNone)
    decoders.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", added_tokens(data)},
          {"normalizer", sentencepiece_normalizer(data)},
          {"pre_tokenizer", sentencepiece_pre_tokenizer(data)},
          {"post_processor", post_processor(data)},
          {"decoder", {{"type", "Sequence"}, {"decoders", decoders}}},
          {"model", bpe_model(data, true, false)}};
}

void check(const TokenizerData& data) {
  const size_t n = data.tokens.size();
  if (data.types.size() != n || (data.model == "llama" && data.scores.size() != n))
    fail(ErrorCode::kCorruption, "tokenizer: got {} tokens, {} types and {} scores, expected as many of each",
         n, data.types.size(), data.scores.size());
  for (const TokenId id : {data.bos, data.eos, data.eot, data.unk, data.pad})
    if (id >= 0 && static_cast<size_t>(id) >= n)
      fail(ErrorCode::kCorruption, "tokenizer: special token {}: expected an id below {}", id, n);
}

std::string dumped(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

void save_hf_tokenizer(const TokenizerData& data, const std::string& chat_template, size_t n_context,
                       const std::filesystem::path& folder) {
  check(data);
  const bool is_byte_level = data.model == "gpt2";
  if (!is_byte_level && data.model != "llama")
    fail(ErrorCode::kNotSupported,
         "tokenizer.ggml.model: got '{}', hone writes tokenizer.json for: gpt2, llama", data.model);
  write_file(folder / "tokenizer.json",
             dumped(is_byte_level ? byte_level_tokenizer(data) : sentencepiece_tokenizer(data), 1));
  Json config;
  config["tokenizer_class"] = "PreTrainedTokenizerFast";
  const auto set = [&](const char* key, TokenId id) {
    if (id >= 0) config[key] = data.tokens[static_cast<size_t>(id)];
  };
  set("bos_token", data.bos);
  set("eos_token", data.eos);
  set("unk_token", data.unk);
  set("pad_token", data.pad);
  config["add_bos_token"] = data.add_bos;
  config["add_eos_token"] = data.add_eos;
  config["clean_up_tokenization_spaces"] = false;
  if (n_context > 0) config["model_max_length"] = n_context;
  if (!chat_template.empty()) config["chat_template"] = chat_template;
  write_file(folder / "tokenizer_config.json", dumped(config, 2));
}

}  // namespace hone
