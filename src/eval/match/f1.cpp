#include "eval/match/f1.h"

#include <algorithm>
#include <array>
#include <map>

#include "eval/match/match_list.h"
#include "eval/plain_text.h"

namespace hone {
namespace {

std::map<std::string_view, size_t> counted(const std::vector<std::string_view>& words) {
  std::map<std::string_view, size_t> counts;
  for (const std::string_view word : words) ++counts[word];
  return counts;
}

class F1 : public Matcher {
 public:
  Match match(const TaskItem& item, const std::string& answer) const override {
    const std::string own = squad_normalised(answer);
    return best_match(item, [&](const std::string& reference) {
      const bool same = own == squad_normalised(reference);
      return Match{
          .scores = {squad_f1(answer, reference), same ? 1.0 : 0.0}, .extracted = own, .right = same};
    });
  }
};

std::unique_ptr<Matcher> make(const Row& settings, const JudgeOptions&) {
  settings.only({"type"});
  return std::make_unique<F1>();
}

constexpr auto kMetrics = std::to_array<std::string_view>({"f1", "exact"});

}  // namespace

std::string squad_normalised(std::string_view text) {
  std::string bare;
  for (const char c : lower(text))
    if (kAsciiPunctuation.find(c) == std::string_view::npos) bare += c;
  std::string out;
  for (const std::string_view piece : split_at_word_edges(bare)) {
    const bool article = piece == "a" || piece == "an" || piece == "the";
    out += article ? " " : piece;
  }
  return joined(split_words(out), " ");
}

double squad_f1(std::string_view answer, std::string_view reference) {
  const std::string own_text = squad_normalised(answer), right_text = squad_normalised(reference);
  const auto own = split_words(own_text), right = split_words(right_text);
  if (own.empty() || right.empty()) return own.empty() && right.empty() ? 1 : 0;
  const auto own_counts = counted(own), right_counts = counted(right);
  size_t common = 0;
  for (const auto& [word, n] : own_counts) {
    const auto found = right_counts.find(word);
    if (found != right_counts.end()) common += std::min(n, found->second);
  }
  if (common == 0) return 0;
  const double precision = static_cast<double>(common) / static_cast<double>(own.size());
  const double recall = static_cast<double>(common) / static_cast<double>(right.size());
  return 2 * precision * recall / (precision + recall);
}

constinit const MatcherKind kMatchF1{
    .name = "f1",
    .summary = "shared words by SQuAD's rules; right when all are the same (exact)",
    .settings = "",
    .metrics = kMetrics,
    .make = make,
};

}  // namespace hone
