// Pre-tokenizers of byte-level BPE: a text is cut into words, and merges never cross a word's edge. One row a
// name (GGUF tokenizer.ggml.pre) in pre_tokenizer_list.cpp; the hand-written matchers are in
// pre_tokenizer.cpp.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/unicode.h"

namespace hone {

// One splitting pass: every match becomes a word, and so does what lies between two matches. Passes run in
// order, each within the words of the one before.
enum class SplitPass : uint8_t {
  kNone,
  kGpt2,          // 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
  kLlama3,        // (?i:'s|'t|…)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|
                  // ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
  kQwen2,         // as kLlama3 with \p{N}
  kDigit,         // \p{N}
  kNewline,       // [\r\n]
  kSpaceLetters,  // \s?\p{L}+
  kSpacePunct,    // \s?\p{P}+
  kCjk,           // [U+4E00-9FA5 U+0800-4E00 U+AC00-D7FF]+
  kPunctRun,      // [\p{P}$+<=>^~|`]+
  kThreeDigits,   // [0-9][0-9][0-9]
  kO200k,   // [^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|…)?|
            // the same with + and *|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+
  kTekken,  // as kO200k with \p{N} and without contractions
};

struct PreTokenizer {
  const char* name;
  SplitPass passes[6];
  // Hugging Face's steps before the bytes, joined with " + " ("digit", "byte_level_regex", "split:" and a
  // regex); nullptr where there is no equal structure. Of several names for one structure the first is
  // recognized: the ids are the same.
  const char* steps = nullptr;
  bool ignore_merges = false;  // a word that is a token is that token, whatever the merges would make of it
  bool add_bos = false;        // BOS when the file does not say
  bool nfc = false;            // published with an NFC normalizer
};

// nullptr when unknown.
const PreTokenizer* find_pre_tokenizer(std::string_view name) noexcept;
// "gpt-2, smollm, …" for messages.
std::string pre_tokenizer_names();
// The row with these steps; nullptr when unknown.
const PreTokenizer* find_pre_tokenizer_by_steps(std::string_view steps, bool ignore_merges) noexcept;

// Lengths of the words in characters; their sum is chars.code.size().
std::vector<uint32_t> split_words(const PreTokenizer& pre, const unicode::Chars& chars);

}  // namespace hone
