// The table of pre-tokenizers: to add one, add a row (and a matcher in pre_tokenizer.cpp when it is a new
// regex).
#include <array>

#include "text/pre_tokenizer.h"

namespace hone {
namespace {

using enum SplitPass;

// NOLINTBEGIN(cppcoreguidelines-macro-usage): pieces of regexes that are joined to literals
#define WORDS_WITH_CASE(end)                                                            \
  R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+)" end \
  R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*)" end
#define LLAMA3_WITH(digits)                                                \
  R"(split:(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|)" digits \
  R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"
// NOLINTEND(cppcoreguidelines-macro-usage)

constexpr const char* kGpt2Steps = "byte_level_regex";
constexpr const char* kDigitSteps = "digit + byte_level_regex";
constexpr const char* kLlama3Steps = LLAMA3_WITH(R"(\p{N}{1,3})");
constexpr const char* kQwen2Steps = LLAMA3_WITH(R"(\p{N})");
constexpr const char* kO200kSteps = "split:" WORDS_WITH_CASE(
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)?") R"(|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kTekkenSteps =
    "split:" WORDS_WITH_CASE("") R"(|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

constexpr std::array kPreTokenizers = {
    PreTokenizer{.name = "gpt-2", .passes = {kGpt2}, .steps = kGpt2Steps},
    PreTokenizer{.name = "mpt", .passes = {kGpt2}, .steps = kGpt2Steps},
    PreTokenizer{.name = "olmo", .passes = {kGpt2}, .steps = kGpt2Steps},
    PreTokenizer{.name = "smollm", .passes = {kDigit, kGpt2}, .steps = kDigitSteps},
    PreTokenizer{.name = "starcoder", .passes = {kDigit, kGpt2}, .steps = kDigitSteps},
    PreTokenizer{.name = "refact", .passes = {kDigit, kGpt2}, .steps = kDigitSteps},
    PreTokenizer{.name = "command-r", .passes = {kDigit, kGpt2}, .steps = kDigitSteps},
    PreTokenizer{.name = "codeshell", .passes = {kDigit, kGpt2}, .steps = kDigitSteps},
    PreTokenizer{.name = "llama-bpe",
                 .passes = {kLlama3},
                 .steps = kLlama3Steps,
                 .ignore_merges = true,
                 .add_bos = true},
    PreTokenizer{
        .name = "llama3", .passes = {kLlama3}, .steps = kLlama3Steps, .ignore_merges = true, .add_bos = true},
    PreTokenizer{.name = "llama-v3",
                 .passes = {kLlama3},
                 .steps = kLlama3Steps,
                 .ignore_merges = true,
                 .add_bos = true},
    PreTokenizer{.name = "smaug-bpe", .passes = {kLlama3}, .steps = kLlama3Steps},
    PreTokenizer{.name = "dbrx", .passes = {kLlama3}, .steps = kLlama3Steps},
    PreTokenizer{.name = "qwen2", .passes = {kQwen2}, .steps = kQwen2Steps, .nfc = true},
    PreTokenizer{.name = "deepseek-r1-qwen", .passes = {kQwen2}, .steps = kQwen2Steps, .nfc = true},
    PreTokenizer{.name = "stablelm2", .passes = {kQwen2}, .steps = kQwen2Steps},
    PreTokenizer{.name = "gpt-4o", .passes = {kO200k}, .steps = kO200kSteps},
    PreTokenizer{
        .name = "tekken", .passes = {kTekken}, .steps = kTekkenSteps, .ignore_merges = true, .add_bos = true},
    PreTokenizer{
        .name = "deepseek-coder",
        .passes = {kNewline, kSpaceLetters, kSpacePunct, kCjk, kDigit},
        .steps =
            "split:[\r\n] + split:\\s?\\p{L}+ + split:\\s?\\p{P}+ + split:[一-龥ࠀ-一가-퟿]+ + digit"},
    PreTokenizer{.name = "falcon", .passes = {kPunctRun, kGpt2, kThreeDigits}},
};

// GPT-2's own regex as a step of its own, before bytes without one.
constexpr std::string_view kGpt2Regex =
    R"(split:'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

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

const PreTokenizer* find_pre_tokenizer_by_steps(std::string_view steps, bool ignore_merges) noexcept {
  if (steps == kGpt2Regex) steps = kGpt2Steps;
  for (const PreTokenizer& row : kPreTokenizers)
    if (row.steps != nullptr && steps == row.steps && row.ignore_merges == ignore_merges) return &row;
  return nullptr;
}

}  // namespace hone
