// tokenizer.json of Hugging Face: byte-level BPE, and the SentencePiece-style BPE of the Llama family.
// Normalizers, pre-tokenizers and flags that hone would not reproduce are refused by name rather than
// ignored.
#include <algorithm>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_map>

#include "base/error.h"
#include "base/mapped_file.h"
#include "text/pre_tokenizer.h"
#include "text/tokenizer.h"

namespace hone {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxDepth = 64;
constexpr size_t kMaxHoles = 65536;  // ids without a token, beyond which a vocabulary is a mistake

// A value with the file and the path that name it in messages.
struct Node {
  const Json& json;
  std::string where;

  [[noreturn]] void wrong(const char* expected) const {
    fail(ErrorCode::kCorruption, "{}: got {}, expected {}", where, json.type_name(), expected);
  }
  // A missing key reads as null.
  Node at(const char* key) const {
    static const Json null;
    if (!json.is_object()) wrong("an object");
    const auto it = json.find(key);
    return {it == json.end() ? null : *it, where + "." + key};
  }
  bool null() const { return json.is_null(); }
  const std::string& text() const {
    if (!json.is_string()) wrong("a string");
    return json.get_ref<const std::string&>();
  }
  std::string text_or(const char* fallback) const { return null() ? fallback : text(); }
  bool flag(bool fallback) const {
    if (null()) return fallback;
    if (!json.is_boolean()) wrong("true or false");
    return json.get<bool>();
  }
  std::vector<Node> items() const {
    std::vector<Node> out;
    if (null()) return out;
    if (!json.is_array()) wrong("an array");
    for (size_t i = 0; i < json.size(); ++i) out.push_back({json[i], fmt::format("{}[{}]", where, i)});
    return out;
  }
};

TokenId token_id(const Json& json, const std::string& where, const std::string& token) {
  if (!json.is_number_integer() || json.get<int64_t>() < 0 ||
      json.get<int64_t>() > std::numeric_limits<TokenId>::max())
    fail(ErrorCode::kCorruption, "{}: id of \"{}\": got {}, expected an integer from 0 to 2^31-1", where,
         token.substr(0, 80), json.type_name());
  return static_cast<TokenId>(json.get<int64_t>());
}

// Nesting is bounded before parsing, so that no later walk over the document can run deep.
void check_depth(std::string_view text, const std::string& where) {
  size_t depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      quoted = c != '"';
      continue;
    }
    if (c == '"') quoted = true;
    if (c == '[' || c == '{') ++depth;
    if ((c == ']' || c == '}') && depth > 0) --depth;
    if (depth > kMaxDepth)
      fail(ErrorCode::kCorruption, "{}: byte {}: got JSON nested over {} deep, expected a tokenizer", where,
           i, kMaxDepth);
  }
}

Json parse_json(std::string_view text, const std::string& where) {
  check_depth(text, where);
  try {
    return Json::parse(text);
  } catch (const Json::exception& e) {
    fail(ErrorCode::kCorruption, "{}: {}", where, e.what());
  }
}

class Loader {
 public:
  Loader(const Json& tokenizer, const Json& config, const std::string& where, const std::string& config_where)
      : root_{tokenizer, where}, config_{config, config_where}, model_(root_.at("model")) {}

  TokenizerData load() {
    check_model();
    const bool byte_level = read_pre_tokenizer();
    data_.model = byte_level ? "gpt2" : "llama";
    read_vocabulary();
    read_merges();
    if (!byte_level) {
      if (metaspace_)
        read_metaspace();
      else
        read_normalizer();
      mark_bytes();
    }
    read_special();
    return std::move(data_);
  }

 private:
  [[noreturn]] void unsupported(const Node& node, const std::string& got, const char* expected) const {
    fail(ErrorCode::kNotSupported, "{}: got {}, expected {}", node.where, got.substr(0, 400), expected);
  }

  void check_model() {
    const std::string type = model_.at("type").text_or("BPE");  // old files do not say
    if (type != "BPE") unsupported(model_.at("type"), type, "BPE");
    for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"})
      if (!model_.at(key).text_or("").empty()) unsupported(model_.at(key), "an affix", "none");
  }

  // Flattens the pre-tokenizer into the steps of pre_tokenizer_list.cpp; true when a ByteLevel step is in it.
  bool describe(const Node& node, std::string& steps) const {
    const auto add = [&](const std::string& word) {
      if (!steps.empty()) steps += " + ";
      steps += word;
    };
    const std::string& type = node.at("type").text();
    if (type == "Sequence") {
      bool byte_level = false;
      for (const Node& item : node.at("pretokenizers").items()) byte_level |= describe(item, steps);
      return byte_level;
    }
    if (type == "ByteLevel") {
      if (node.at("add_prefix_space").flag(true)) add("prefix_space");
      if (node.at("use_regex").flag(true)) add("byte_level_regex");
      return true;
    }
    if (type == "Digits") {
      add(node.at("individual_digits").flag(false) ? "digit" : "digits");
    } else if (type == "Split") {
      const Node pattern = node.at("pattern");
      const Node regex = pattern.at("Regex");
      const std::string behavior = node.at("behavior").text();
      const bool invert = node.at("invert").flag(false);
      // "Removed, inverted" keeps the matches only: the same when, as with all known regexes, they cover the
      // text.
      const bool plain = (behavior == "Isolated" && !invert) || (behavior == "Removed" && invert);
      add((plain ? "split:" : "split(" + behavior + "):") +
          (regex.null() ? pattern.at("String").text() : regex.text()));
    } else {
      add(type);
    }
    return false;
  }

  bool read_pre_tokenizer() {
    const Node node = root_.at("pre_tokenizer");
    if (node.null()) return false;
    std::string steps;
    const bool byte_level = describe(node, steps);
    // Gemma's: there is nothing left to split, the normalizer has replaced all spaces (read_normalizer).
    if (!byte_level && steps == "split(MergedWithPrevious): ") return false;
    if (steps == "Metaspace") {
      metaspace_ = true;
      return false;
    }
    if (!byte_level) unsupported(node, steps, "a ByteLevel step, Metaspace, or no pre-tokenizer");
    const PreTokenizer* pre = find_pre_tokenizer_by_steps(steps, model_.at("ignore_merges").flag(false));
    if (pre == nullptr)
      fail(ErrorCode::kNotSupported, "{}: got \"{}\", expected that of one of: {}", node.where,
           steps.substr(0, 400), pre_tokenizer_names());
    data_.pre = pre->name;
    const Node normalizer = root_.at("normalizer");
    // NFC has no place in GGUF and llama.cpp does not apply it either: docs/tokenizer.md.
    if (!normalizer.null() && normalizer.at("type").text() != "NFC" && !is_empty_sequence(normalizer))
      unsupported(normalizer, normalizer.at("type").text(), "none or NFC");
    return true;
  }

  static bool is_empty_sequence(const Node& node) {
    return node.at("type").text() == "Sequence" && node.at("normalizers").items().empty();
  }

  void place(TokenId id, const std::string& text, TokenType type) {
    const auto i = static_cast<size_t>(id);
    if (i >= data_.tokens.size()) {
      data_.tokens.resize(i + 1);
      data_.types.resize(i + 1, TokenType::kUnused);
    }
    data_.tokens[i] = text;
    data_.types[i] = type;
  }

  void read_vocabulary() {
    const Node vocab = model_.at("vocab");
    if (!vocab.json.is_object()) vocab.wrong("an object");
    const std::vector<Node> added = root_.at("added_tokens").items();
    const size_t limit = vocab.json.size() + added.size() + kMaxHoles;
    const auto checked = [&](const Json& json, const Node& node, const std::string& token) {
      const TokenId id = token_id(json, node.where, token);
      if (static_cast<size_t>(id) >= limit)
        fail(ErrorCode::kCorruption,
             "{}: id of \"{}\": got {}, expected below {} for a vocabulary of this size", node.where,
             token.substr(0, 80), id, limit);
      return id;
    };
    for (const auto& [token, id] : vocab.json.items()) {
      const TokenId at = checked(id, vocab, token);
      if (static_cast<size_t>(at) < data_.types.size() &&
          data_.types[static_cast<size_t>(at)] != TokenType::kUnused)
        fail(ErrorCode::kCorruption, "{}: id {}: got \"{}\" and \"{}\", expected one token", vocab.where, at,
             data_.tokens[static_cast<size_t>(at)].substr(0, 80), token.substr(0, 80));
      place(at, token, TokenType::kNormal);
    }
    for (const Node& entry : added) {
      const std::string& text = entry.at("content").text();
      const TokenId id = checked(entry.at("id").json, entry, text);
      place(id, text, entry.at("special").flag(false) ? TokenType::kControl : TokenType::kUserDefined);
      if (entry.at("lstrip").flag(false)) data_.lstrip.push_back(id);
      if (entry.at("rstrip").flag(false)) data_.rstrip.push_back(id);
    }
    for (size_t i = 0; i < data_.tokens.size(); ++i)
      if (data_.types[i] == TokenType::kUnused) data_.tokens[i] = fmt::format("[PAD{}]", i);
    for (size_t i = 0; i < data_.tokens.size(); ++i) ids_[data_.tokens[i]] = static_cast<TokenId>(i);
  }

  // Merges for byte-level BPE; for the Llama style, scores that make the same merges in the same order.
  void read_merges() {
    const bool byte_level = data_.model == "gpt2";
    if (!byte_level) data_.scores.assign(data_.tokens.size(), -1e9F);
    const Node merges = model_.at("merges");
    if (!merges.json.is_array()) merges.wrong("an array");
    for (size_t i = 0; i < merges.json.size(); ++i) {
      const auto [left, right] = pair(merges, i);
      if (byte_level) {
        data_.merges.push_back(fmt::format("{} {}", left, right));
        continue;
      }
      const auto it = ids_.find(left + right);
      if (it == ids_.end())
        fail(ErrorCode::kCorruption, "{}[{}]: got \"{}\" + \"{}\", which is not a token", merges.where, i,
             left.substr(0, 80), right.substr(0, 80));
      float& score = data_.scores[static_cast<size_t>(it->second)];
      score = std::max(score, -static_cast<float>(i));  // the first of several ways to make a token counts
    }
  }

  static std::pair<std::string, std::string> pair(const Node& merges, size_t i) {
    const Json& merge = merges.json[i];
    if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string())
      return {merge[0].get<std::string>(), merge[1].get<std::string>()};
    if (merge.is_string()) {
      const auto& text = merge.get_ref<const std::string&>();
      const size_t space = text.find(' ', 1);
      if (!text.empty() && space != std::string::npos && space + 1 < text.size())
        return {text.substr(0, space), text.substr(space + 1)};
    }
    fail(ErrorCode::kCorruption, "{}[{}]: expected \"left right\" or [\"left\", \"right\"]", merges.where, i);
  }

  // Prepend "▁" and replace " " by "▁", in one sequence: what Llama-family files hold.
  void read_normalizer() {
    const Node node = root_.at("normalizer");
    if (node.null())
      unsupported(node, "none", "Replace \" \" by \"▁\" (the Llama style) when there is no ByteLevel");
    std::vector<Node> steps;
    if (node.at("type").text() == "Sequence") {
      steps = node.at("normalizers").items();
    } else {
      steps.push_back(node);
    }
    bool replaces = false;
    for (const Node& step : steps) {
      const std::string& type = step.at("type").text();
      if (type == "Prepend" && step.at("prepend").text() == "▁") {
        data_.space_prefix = SpacePrefix::kEach;
      } else if (type == "Replace" && step.at("pattern").at("String").text_or("") == " " &&
                 step.at("content").text() == "▁") {
        replaces = true;
      } else {
        unsupported(step, type, "Prepend \"▁\" or Replace \" \" by \"▁\"");
      }
    }
    if (!replaces) unsupported(node, "no Replace", "Replace \" \" by \"▁\"");
  }

  // The same as a pre-tokenizer.
  void read_metaspace() {
    const Node whole = root_.at("pre_tokenizer");
    const Node node =
        whole.at("type").text() == "Sequence" ? whole.at("pretokenizers").items().front() : whole;
    const Node normalizer = root_.at("normalizer");
    if (!normalizer.null() && !is_empty_sequence(normalizer))
      unsupported(normalizer, normalizer.at("type").text(), "none beside Metaspace");
    if (const std::string mark = node.at("replacement").text_or("▁"); mark != "▁")
      unsupported(node.at("replacement"), mark, "▁");
    if (node.at("split").flag(true))
      unsupported(node.at("split"), "true", "false (GGUF does not split at spaces)");
    const Node scheme = node.at("prepend_scheme");
    const std::string name = scheme.text_or(node.at("add_prefix_space").flag(true) ? "always" : "never");
    if (name == "always")
      data_.space_prefix = SpacePrefix::kUnspaced;
    else if (name == "first")
      data_.space_prefix = SpacePrefix::kFirst;
    else if (name != "never")
      unsupported(scheme, name, "always, first or never");
  }

  void mark_bytes() {
    if (!model_.at("byte_fallback").flag(false)) unsupported(model_.at("byte_fallback"), "false", "true");
    for (int b = 0; b < 256; ++b) {
      const auto it = ids_.find(fmt::format("<0x{:02X}>", b));
      if (it != ids_.end()) data_.types[static_cast<size_t>(it->second)] = TokenType::kByte;
    }
  }

  // tokenizer_config.json gives a token as a string or as an added-token object.
  TokenId configured(const char* key) const {
    if (config_.null()) return -1;
    const Node node = config_.at(key);
    if (node.null()) return -1;
    const Node text = node.json.is_object() ? node.at("content") : node;
    const auto it = ids_.find(text.text());
    return it == ids_.end() ? -1 : it->second;
  }

  void read_special() {
    data_.bos = configured("bos_token");
    data_.eos = configured("eos_token");
    data_.pad = configured("pad_token");
    data_.unk = configured("unk_token");
    if (data_.unk < 0 && !model_.at("unk_token").null()) {
      const auto it = ids_.find(model_.at("unk_token").text());
      if (it != ids_.end()) data_.unk = it->second;
    }
    if (data_.model == "llama" && data_.unk >= 0)
      data_.types[static_cast<size_t>(data_.unk)] = TokenType::kUnknown;
    read_template(root_.at("post_processor"));
    if (config_.null()) return;
    data_.add_bos = config_.at("add_bos_token").flag(data_.add_bos) && data_.bos >= 0;
    data_.add_eos = config_.at("add_eos_token").flag(data_.add_eos) && data_.eos >= 0;
  }

  // A TemplateProcessing "single" of [special] A [special] sets BOS and EOS.
  void read_template(const Node& node) {
    if (node.null()) return;
    const std::string& type = node.at("type").text();
    if (type == "Sequence") {
      for (const Node& item : node.at("processors").items()) read_template(item);
      return;
    }
    if (type == "ByteLevel") return;
    if (type != "TemplateProcessing") unsupported(node, type, "TemplateProcessing or ByteLevel");
    bool after_text = false;
    for (const Node& item : node.at("single").items()) {
      if (!item.at("Sequence").null()) {
        after_text = true;
        continue;
      }
      const Node special = item.at("SpecialToken").at("id");
      const auto it = ids_.find(special.text());
      if (it == ids_.end())
        fail(ErrorCode::kCorruption, "{}: got \"{}\", which is not a token", special.where,
             special.text().substr(0, 80));
      TokenId& slot = after_text ? data_.eos : data_.bos;
      bool& add = after_text ? data_.add_eos : data_.add_bos;
      if (add || (slot >= 0 && slot != it->second))
        unsupported(item, special.text(), "at most the BOS before and the EOS after the text");
      slot = it->second;
      add = true;
    }
  }

  Node root_;
  Node config_;
  Node model_;
  TokenizerData data_;
  bool metaspace_ = false;
  std::unordered_map<std::string, TokenId> ids_;
};

std::string_view file_text(const MappedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

}  // namespace

TokenizerData load_tokenizer_json(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "tokenizer.json";
  const MappedFile file(path);
  const Json tokenizer = parse_json(file_text(file), path.string());
  const std::filesystem::path config_path = folder / "tokenizer_config.json";
  Json config;
  if (std::filesystem::exists(config_path))
    config = parse_json(file_text(MappedFile(config_path)), config_path.string());
  return Loader(tokenizer, config, path.string(), config_path.string()).load();
}

}  // namespace hone
