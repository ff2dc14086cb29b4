#include "eval/language.h"

#include <algorithm>
#include <array>

#include "eval/ifeval/checks.h"

namespace hone::ifeval {
namespace {

// The languages that the data set may ask for.
constexpr auto kLanguages = std::to_array<std::string_view>(
    {"en", "es", "pt", "ar", "hi", "fr", "ru", "de", "ja", "it", "bn", "uk", "th", "ur", "ta",
     "te", "bg", "ko", "pl", "he", "fa", "vi", "ne", "sw", "kn", "mr", "gu", "pa", "ml", "fi"});

// lm-evaluation-harness, too, takes it as followed when there is nothing to tell a language by.
bool is_in(std::string_view language, std::string_view answer) {
  const std::string_view found = language_of(answer);
  return found.empty() || found == language;
}

}  // namespace

bool answers_in_language(const std::string& answer, const Row& arguments) {
  const std::string language = arguments.text("language");
  if (std::find(kLanguages.begin(), kLanguages.end(), language) == kLanguages.end())
    arguments.wrong("language", "the ISO 639-1 code of one of IFEval's 30 languages");
  return is_in(language, answer);
}

bool english_capitals(const std::string& answer, const Row&) {
  return is_all_upper(answer) && is_in("en", answer);
}

bool english_lowercase(const std::string& answer, const Row&) {
  return is_all_lower(answer) && is_in("en", answer);
}

}  // namespace hone::ifeval
