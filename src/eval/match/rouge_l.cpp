#include "eval/match/rouge_l.h"

#include <algorithm>
#include <array>

#include "eval/match/match_list.h"
#include "eval/match/porter.h"
#include "eval/plain_text.h"

namespace hone {
namespace {

std::vector<std::string> words_of(std::string_view text, bool stems) {
  std::vector<std::string> words(1);
  for (const char c : lower(text)) {
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
      words.back() += c;
    else if (!words.back().empty())
      words.emplace_back();
  }
  if (words.back().empty()) words.pop_back();
  if (stems)
    for (std::string& word : words)
      if (word.size() > 3) word = porter_stem(word);
  return words;
}

size_t longest_common_subsequence(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  std::vector<size_t> row(b.size() + 1, 0);
  for (const std::string& word : a) {
    size_t diagonal = 0;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = word == b[j - 1] ? diagonal + 1 : std::max(above, row[j - 1]);
      diagonal = above;
    }
  }
  return row.back();
}

class RougeL : public Matcher {
 public:
  RougeL(bool stems, double right_from) : stems_(stems), right_from_(right_from) {}
  Match match(const TaskItem& item, const std::string& answer) const override {
    return best_match(item, [&](const std::string& reference) {
      const double score = rouge_l(answer, reference, stems_);
      return Match{.scores = {score}, .extracted = answer, .right = score >= right_from_};
    });
  }

 private:
  bool stems_;
  double right_from_;
};

std::unique_ptr<Matcher> make(const Row& settings, const JudgeOptions&) {
  settings.only({"type", "stems", "right_from"});
  const double right_from = settings.number("right_from", 0.5);
  if (!(right_from > 0 && right_from <= 1)) settings.wrong("right_from", "more than 0, at most 1");
  return std::make_unique<RougeL>(settings.flag("stems", false), right_from);
}

constexpr auto kMetrics = std::to_array<std::string_view>({"rougeL"});

}  // namespace

double rouge_l(std::string_view answer, std::string_view reference, bool stems) {
  const std::vector<std::string> own = words_of(answer, stems), right = words_of(reference, stems);
  if (own.empty() || right.empty()) return 0;
  const auto common = static_cast<double>(longest_common_subsequence(own, right));
  if (common == 0) return 0;
  const double precision = common / static_cast<double>(own.size());
  const double recall = common / static_cast<double>(right.size());
  return 2 * precision * recall / (precision + recall);
}

constinit const MatcherKind kMatchRougeL{
    .name = "rouge_l",
    .summary = "longest common subsequence of words, F measure",
    .settings = "stems (false: words as they are; true: Porter's stems), right_from (0.5: counts as right)",
    .metrics = kMetrics,
    .make = make,
};

}  // namespace hone
