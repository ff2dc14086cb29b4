// A pattern finds the answer in the text; the rest is as "exact".
#include <array>

#include "eval/match/exact.h"
#include "eval/match/match_list.h"

namespace hone {
namespace {

class Regex : public Matcher {
 public:
  Regex(Pattern pattern, bool last, ExactOptions options)
      : pattern_(std::move(pattern)), last_(last), options_(std::move(options)) {}
  Match match(const TaskItem& item, const std::string& answer) const override {
    const std::string found = extract(pattern_, answer, last_), own = reduced(found, options_);
    return best_match(item, [&](const std::string& reference) {
      const bool same = own == reduced(reference, options_);
      return Match{.scores = {same ? 1.0 : 0.0}, .extracted = found, .right = same};
    });
  }

 private:
  Pattern pattern_;
  bool last_;
  ExactOptions options_;
};

std::unique_ptr<Matcher> make(const Row& settings, const JudgeOptions&) {
  settings.only({"type", "pattern", "last", "ignore_case", "ignore_punctuation", "ignore_numbers",
                 "regexes_to_ignore"});
  return std::make_unique<Regex>(Pattern(settings.text("pattern"), settings.where()),
                                 settings.flag("last", false), exact_options(settings));
}

constexpr auto kMetrics = std::to_array<std::string_view>({"exact_match"});

}  // namespace

constinit const MatcherKind kMatchRegex{
    .name = "regex",
    .summary = "a pattern's first match (its group, if it has one) is a right answer",
    .settings = "pattern; last (false: the first match); those of exact",
    .metrics = kMetrics,
    .make = make,
};

}  // namespace hone
