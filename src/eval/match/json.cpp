// The answer is JSON, and has what was asked for.
#include <array>

#include "eval/match/match_list.h"
#include "eval/plain_text.h"

namespace hone {
namespace {

class JsonMatcher : public Matcher {
 public:
  explicit JsonMatcher(std::vector<std::string> keys) : keys_(std::move(keys)) {}
  Match match(const TaskItem&, const std::string& answer) const override {
    const std::string text(without_code_fence(answer));
    const bool right = is_right(text);
    return {.scores = {right ? 1.0 : 0.0}, .extracted = text, .right = right};
  }

 private:
  bool is_right(const std::string& text) const {
    if (keys_.empty()) return nlohmann::json::accept(text);
    const auto value = nlohmann::json::parse(text, nullptr, false);
    if (!value.is_object()) return false;
    for (const std::string& key : keys_)
      if (!value.contains(key)) return false;
    return true;
  }
  std::vector<std::string> keys_;
};

std::unique_ptr<Matcher> make(const Row& settings, const JudgeOptions&) {
  settings.only({"type", "keys"});
  return std::make_unique<JsonMatcher>(settings.has("keys") ? settings.texts("keys")
                                                            : std::vector<std::string>());
}

constexpr auto kMetrics = std::to_array<std::string_view>({"valid_json"});

}  // namespace

constinit const MatcherKind kMatchJson{
    .name = "json",
    .summary = "the whole answer, a code fence around it aside, is valid JSON; no right answer needed",
    .settings = "keys (list: an object that has them)",
    .metrics = kMetrics,
    .needs_answers = false,
    .make = make,
};

}  // namespace hone
