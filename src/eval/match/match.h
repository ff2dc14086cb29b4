// How an answer is compared with the right ones. A matcher is one file here and one line in match_list.cpp.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "eval/judge.h"
#include "eval/row.h"

namespace hone {

struct Match {
  std::vector<double> scores;  // by the kind's metrics, 0 to 1; the first is the matcher's own
  std::string extracted;       // what of the answer was compared
  bool right = false;
};

class Matcher {
 public:
  virtual ~Matcher() = default;
  // item.choices: the right answers, of which any will do.
  virtual Match match(const TaskItem& item, const std::string& answer) const = 0;
};

struct MatcherKind {
  std::string_view name;
  std::string_view summary;
  std::string_view settings;  // for help; "" when there are none
  std::span<const std::string_view> metrics;
  bool needs_answers = true;
  bool from_data = true;  // rows may ask for it, --match too
  // Throws kInvalidArgument for settings that are wrong.
  std::unique_ptr<Matcher> (*make)(const Row& settings, const JudgeOptions& options) = nullptr;
};

// The largest of each score over the right answers; `compare` gives a Match for one of them. What was
// extracted is the best one's.
template <typename Compare>
Match best_match(const TaskItem& item, Compare compare) {
  Match best;
  for (const std::string& reference : item.choices) {
    Match one = compare(reference);
    if (best.scores.empty()) {
      best = std::move(one);
      continue;
    }
    if (one.scores[0] > best.scores[0]) best.extracted = one.extracted;
    for (size_t i = 0; i < best.scores.size(); ++i)
      best.scores[i] = one.scores[i] > best.scores[i] ? one.scores[i] : best.scores[i];
    best.right = best.right || one.right;
  }
  return best;
}

}  // namespace hone
