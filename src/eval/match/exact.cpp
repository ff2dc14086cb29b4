#include "eval/match/exact.h"

#include <array>

#include "eval/match/match_list.h"
#include "eval/plain_text.h"

namespace hone {
namespace {

std::string without(const std::string& text, std::string_view characters) {
  std::string out;
  for (const char c : text)
    if (characters.find(c) == std::string_view::npos) out += c;
  return out;
}

class Exact : public Matcher {
 public:
  explicit Exact(ExactOptions options) : options_(std::move(options)) {}
  Match match(const TaskItem& item, const std::string& answer) const override {
    const std::string stripped(strip(answer)), own = reduced(stripped, options_);
    return best_match(item, [&](const std::string& reference) {
      const bool same = own == reduced(reference, options_);
      return Match{.scores = {same ? 1.0 : 0.0}, .extracted = stripped, .right = same};
    });
  }

 private:
  ExactOptions options_;
};

std::unique_ptr<Matcher> make(const Row& settings, const JudgeOptions&) {
  settings.only({"type", "ignore_case", "ignore_punctuation", "ignore_numbers", "regexes_to_ignore"});
  return std::make_unique<Exact>(exact_options(settings));
}

constexpr auto kMetrics = std::to_array<std::string_view>({"exact_match"});

}  // namespace

std::string reduced(const std::string& text, const ExactOptions& options) {
  std::string out = text;
  for (const Pattern& pattern : options.ignore) out = pattern.replaced_in(out, "");
  if (options.ignore_case) out = lower(out);
  if (options.ignore_punctuation) out = without(out, kAsciiPunctuation);
  if (options.ignore_numbers) out = without(out, "0123456789");
  return out;
}

ExactOptions exact_options(const Row& settings) {
  ExactOptions options{.ignore_case = settings.flag("ignore_case", false),
                       .ignore_punctuation = settings.flag("ignore_punctuation", false),
                       .ignore_numbers = settings.flag("ignore_numbers", false),
                       .ignore = {}};
  if (settings.has("regexes_to_ignore"))
    for (const std::string& text : settings.texts("regexes_to_ignore"))
      options.ignore.emplace_back(text, settings.where() + ": regexes_to_ignore");
  return options;
}

constinit const MatcherKind kMatchExact{
    .name = "exact",
    .summary = "the answer without white space at its ends is a right one, letter for letter",
    .settings = kExactSettings,
    .metrics = kMetrics,
    .make = make,
};

}  // namespace hone
