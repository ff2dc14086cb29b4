#include "eval/match_judge.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "eval/match/match_list.h"
#include "eval/task_file.h"

namespace hone {
namespace {

using nlohmann::ordered_json;

std::string written(const ordered_json& spec) {
  return spec.is_string() ? spec.get<std::string>()
                          : spec.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

ordered_json default_spec(const JudgeOptions& options, std::string_view otherwise) {
  if (!options.command.empty()) return "command";
  return options.match.empty() ? ordered_json(otherwise) : parse_match(options.match, options.match_where);
}

class MatchJudge : public Judge {
 public:
  MatchJudge(const TaskFile& file, const JudgeOptions& options, std::string_view otherwise)
      : default_(default_spec(options, otherwise)),
        default_matcher_(make_matcher(default_, options.match_where, options, false)) {
    for (const TaskItem& item : file.items) add(file, item, options);
    if (kinds_.empty()) kinds_.push_back(default_matcher_.kind);
  }

  std::vector<std::string> metrics() const override {
    if (kinds_.size() > 1) return {"score"};
    return {kinds_[0]->metrics.begin(), kinds_[0]->metrics.end()};
  }

  Judgement judge(const TaskItem& item, const std::string& answer) const override {
    Match match = of(item).matcher->match(item, answer);
    Judgement out{.scores = {}, .extracted = std::move(match.extracted), .correct = match.right};
    for (const double score : match.scores) out.scores.push_back({score, 1});
    if (kinds_.size() > 1) out.scores.resize(1);
    return out;
  }

  std::string description() const override {
    std::string out = written(default_);
    return own_.empty() ? out : out + fmt::format("; {} other settings in rows", own_.size());
  }

 private:
  void add(const TaskFile& file, const TaskItem& item, const JudgeOptions& options) {
    if (!item.judged_by.is_null()) {
      const std::string where =
          fmt::format("{}:{}: {}: \"match\"", file.path.string(), item.line, file.task->name);
      const std::string key = written(item.judged_by);
      if (!own_.contains(key)) own_.emplace(key, make_matcher(item.judged_by, where, options, true));
    }
    const MatcherKind* kind = of(item).kind;
    if (kind->needs_answers && item.choices.empty())
      fail(ErrorCode::kInvalidArgument,
           "{}:{}: {}: \"answer\": got none, expected a right answer, which the matcher {} compares with",
           file.path.string(), item.line, file.task->name, kind->name);
    if (std::find(kinds_.begin(), kinds_.end(), kind) == kinds_.end()) kinds_.push_back(kind);
  }

  const NamedMatcher& of(const TaskItem& item) const {
    return item.judged_by.is_null() ? default_matcher_ : own_.at(written(item.judged_by));
  }

  ordered_json default_;
  NamedMatcher default_matcher_;
  std::map<std::string, NamedMatcher> own_;  // by how they are written
  std::vector<const MatcherKind*> kinds_;    // in the file's order
};

}  // namespace

std::unique_ptr<Judge> make_match_judge(const TaskFile& file, const JudgeOptions& options,
                                        std::string_view otherwise) {
  return std::make_unique<MatchJudge>(file, options, otherwise);
}

}  // namespace hone
