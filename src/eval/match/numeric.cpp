// The last number of the answer is the right one.
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include "eval/match/match_list.h"
#include "eval/match/pattern.h"

namespace hone {
namespace {

// "1,234.50" is 1234.5; nullopt for anything that is no number.
std::optional<double> value_of(const std::string& text) {
  std::string digits;
  for (const char c : text)
    if (c != ',') digits += c;
  double value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() || !std::isfinite(value))
    return std::nullopt;
  return value;
}

class Numeric : public Matcher {
 public:
  Numeric(bool first, double tolerance) : first_(first), tolerance_(tolerance) {}
  Match match(const TaskItem& item, const std::string& answer) const override {
    const std::string found = extract(number_, answer, !first_);
    const std::optional<double> own = value_of(found);
    return best_match(item, [&](const std::string& reference) {
      const std::optional<double> wanted = value_of(extract(number_, reference, !first_));
      const bool same = own && wanted && std::abs(*own - *wanted) <= tolerance_;
      return Match{.scores = {same ? 1.0 : 0.0}, .extracted = found, .right = same};
    });
  }

 private:
  // Commas only between groups of three digits: "1, 2" are two numbers.
  Pattern number_{R"(-?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|-?\.[0-9]+)",
                  "numeric"};
  bool first_;
  double tolerance_;
};

std::unique_ptr<Matcher> make(const Row& settings, const JudgeOptions&) {
  settings.only({"type", "first", "tolerance"});
  const double tolerance = settings.number("tolerance", 0);
  if (!(tolerance >= 0)) settings.wrong("tolerance", "0 or more");
  return std::make_unique<Numeric>(settings.flag("first", false), tolerance);
}

constexpr auto kMetrics = std::to_array<std::string_view>({"numeric_match"});

}  // namespace

constinit const MatcherKind kMatchNumeric{
    .name = "numeric",
    .summary = "the last number of the answer is that of a right one (1,000.0 is 1000)",
    .settings = "first (false: the last number), tolerance (0)",
    .metrics = kMetrics,
    .make = make,
};

}  // namespace hone
