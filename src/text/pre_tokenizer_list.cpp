// The table of pre-tokenizers: to add one, add a row (and a matcher in pre_tokenizer.cpp when it is a new
// regex).
#include <array>

#include "text/pre_tokenizer.h"

namespace hone {
namespace {

using enum SplitPass;

constexpr std::array kPreTokenizers = {
    PreTokenizer{.name = "gpt-2", .passes = {kGpt2}, .ignore_merges = false, .add_bos = false},
    PreTokenizer{.name = "mpt", .passes = {kGpt2}, .ignore_merges = false, .add_bos = false},
    PreTokenizer{.name = "olmo", .passes = {kGpt2}, .ignore_merges = false, .add_bos = false},
    PreTokenizer{.name = "smollm", .passes = {kDigit, kGpt2}, .ignore_merges = false, .add_bos = false},
    PreTokenizer{.name = "starcoder", .passes = {kDigit, kGpt2}, .ignore_merges = false, .add_bos = false},
    PreTokenizer{.name = "refact", .passes = {kDigit, kGpt2}, .ignore_merges = false, .add_bos = false},
    PreTokenizer{.name = "command-r", .passes = {kDigit, kGpt2}, .ignore_merges = false, .add_bos = false},
    PreTokenizer{.name = "codeshell", .passes = {kDigit, kGpt2}, .ignore_merges = false, .add_bos = false},
    PreTokenizer{.name = "llama-bpe", .passes = {kLlama3}, .ignore_merges = true, .add_bos = true},
    PreTokenizer{.name = "llama3", .passes = {kLlama3}, .ignore_merges = true, .add_bos = true},
    PreTokenizer{.name = "llama-v3", .passes = {kLlama3}, .ignore_merges = true, .add_bos = true},
    PreTokenizer{.name = "smaug-bpe", .passes = {kLlama3}, .ignore_merges = false, .add_bos = false},
    PreTokenizer{.name = "dbrx", .passes = {kLlama3}, .ignore_merges = false, .add_bos = false},
    PreTokenizer{.name = "qwen2", .passes = {kQwen2}, .ignore_merges = false, .add_bos = false},
    PreTokenizer{.name = "deepseek-r1-qwen", .passes = {kQwen2}, .ignore_merges = false, .add_bos = false},
    PreTokenizer{.name = "stablelm2", .passes = {kQwen2}, .ignore_merges = false, .add_bos = false},
    PreTokenizer{.name = "deepseek-coder",
                 .passes = {kNewline, kSpaceLetters, kSpacePunct, kCjk, kDigit},
                 .ignore_merges = false,
                 .add_bos = false},
    PreTokenizer{.name = "falcon",
                 .passes = {kPunctRun, kGpt2, kThreeDigits},
                 .ignore_merges = false,
                 .add_bos = false},
};

// Hugging Face structures, joined with " + ". Several names share one structure: the first in GGUF's own
// order of naming is used, the ids are the same.
struct Signature {
  const char* text;
  const char* pre;
};

constexpr std::array kSignatures = {
    Signature{"byte_level_regex", "gpt-2"},
    Signature{R"(split:'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)", "gpt-2"},
    Signature{"digit + byte_level_regex", "smollm"},
    Signature{
        R"(split:(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*)"
        R"(|\s*[\r\n]+|\s+(?!\S)|\s+)",
        "llama-bpe"},
    Signature{
        R"(split:(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*)"
        R"(|\s*[\r\n]+|\s+(?!\S)|\s+)",
        "smaug-bpe"},
    Signature{R"(split:(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*)"
              R"(|\s*[\r\n]+|\s+(?!\S)|\s+)",
              "qwen2"},
    Signature{"split:[\r\n] + split:\\s?\\p{L}+ + split:\\s?\\p{P}+ + split:[一-龥ࠀ-一가-퟿]+ + digit",
              "deepseek-coder"},
};

}  // namespace

const PreTokenizer* find_pre_tokenizer(std::string_view name) noexcept {
  for (const PreTokenizer& row : kPreTokenizers)
    if (name == row.name) return &row;
  return nullptr;
}

std::string pre_tokenizer_names() {
  std::string names;
  for (const PreTokenizer& row : kPreTokenizers) {
    if (!names.empty()) names += ", ";
    names += row.name;
  }
  return names;
}

const PreTokenizer* find_pre_tokenizer_by_signature(std::string_view signature, bool ignore_merges) noexcept {
  for (const Signature& row : kSignatures) {
    if (signature != row.text) continue;
    const PreTokenizer* pre = find_pre_tokenizer(row.pre);
    if (pre->ignore_merges == ignore_merges) return pre;
  }
  return nullptr;
}

}  // namespace hone
