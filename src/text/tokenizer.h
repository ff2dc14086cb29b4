// Text <-> token ids, from GGUF metadata or a Hugging Face tokenizer.json. Ids equal llama.cpp's and
// Hugging Face's for the same vocabulary; where those two disagree, docs/tokenizer.md lists it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hone {

using TokenId = int32_t;

// GGUF tokenizer.ggml.token_type.
enum class TokenType : int32_t {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kUnused = 5,
  kByte = 6
};

// SentencePiece-style: where a space goes before the text.
enum class SpacePrefix : uint8_t {
  kNone,
  kEach,      // before every piece between special tokens (llama.cpp; a Prepend normalizer)
  kUnspaced,  // before those of them that do not begin with one (Metaspace, "always")
  kFirst,     // before the text, if it does not begin with one or with a special token (Metaspace, "first")
};

// Everything a tokenizer is made of, container-neutral (the tokenizer.ggml.* keys of GGUF).
struct TokenizerData {
  std::string model;  // "gpt2" = byte-level BPE, "llama" = SentencePiece-style
  std::string pre;    // pre-tokenizer name as in GGUF: "gpt-2", "smollm", "llama-bpe", "qwen2", …
  std::vector<std::string> tokens;  // byte-level BPE tokens in GPT-2's printable byte alphabet
  std::vector<TokenType> types;     // same length as tokens
  std::vector<float> scores;        // SentencePiece-style only
  std::vector<std::string> merges;  // "left right"
  TokenId bos = -1, eos = -1, eot = -1, unk = -1, pad = -1;
  bool add_bos = false, add_eos = false;
  SpacePrefix space_prefix = SpacePrefix::kNone;
  // Special tokens that take away the white space before, after them.
  std::vector<TokenId> lstrip, rstrip;
};

// A token and the bytes of the text that it stands for. Tokens cover a text without gaps, up to bytes at its
// end that no token stands for.
struct PlacedToken {
  TokenId id;
  size_t begin, end;
};

class Tokenizer {
 public:
  // Throws kCorruption (inconsistent sizes, merges that make no token) and kNotSupported (model, pre).
  explicit Tokenizer(TokenizerData data);
  ~Tokenizer();
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;

  struct EncodeOptions {
    bool add_special = true;    // BOS/EOS as the model's metadata says
    bool parse_special = true;  // "<|im_end|>" in the text becomes its control token
  };
  std::vector<TokenId> encode(std::string_view text, EncodeOptions options) const;
  std::vector<TokenId> encode(std::string_view text) const { return encode(text, EncodeOptions{}); }
  // The same with parse_special and without add_special, and where each token lies. Special tokens are looked
  // for in `marked`, a copy of the text in which those that are to stay text have been overwritten.
  std::vector<PlacedToken> encode_placed(std::string_view text, std::string_view marked) const;
  // Bytes of one token; control tokens give their text only when with_special.
  std::string token_bytes(TokenId id, bool with_special = false) const;
  std::string decode(std::span<const TokenId> ids, bool with_special = false) const;

  size_t vocab_size() const noexcept;
  const TokenizerData& data() const noexcept;
  bool is_control(TokenId id) const noexcept;
  // EOS, EOT and the well-known end-of-turn control tokens: generation stops here.
  bool is_end_of_generation(TokenId id) const noexcept;
  // Id of a token by its exact stored text; -1 when there is none.
  TokenId find(std::string_view token) const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Unused tokens up to n: embedding rows without a token, as padded vocabularies have them. Throws what the
// tokenizer's constructor throws.
void pad_vocabulary(TokenizerData& data, size_t n);

// From a Hugging Face folder: tokenizer.json (required) and tokenizer_config.json (optional). Errors name the
// file.
TokenizerData load_tokenizer_json(const std::filesystem::path& folder);

}  // namespace hone
