// A program of the user's judges. Only the command line can name one: data that is downloaded must not run
// anything.
#include <array>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/private_folder.h"
#include "base/program.h"
#include "eval/match/match_list.h"

namespace hone {
namespace {

std::string item_json(const TaskItem& item) {
  nlohmann::ordered_json json;
  json["line"] = item.line;
  if (!item.messages.is_null()) json["messages"] = item.messages;
  if (item.messages.is_null() && !item.contexts.empty()) json["prompt"] = item.contexts[0];
  json["answers"] = item.choices;
  if (!item.category.empty()) json["category"] = item.category;
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

class Command : public Matcher {
 public:
  explicit Command(const JudgeOptions& options)
      : arguments_(options.command), seconds_(options.command_seconds) {
    arguments_.push_back((folder_.path() / "item.json").string());
  }
  Match match(const TaskItem& item, const std::string& answer) const override {
    write_file(folder_.path() / "answer.txt", answer);
    write_file(folder_.path() / "item.json", item_json(item));
    const ProgramEnd end = run_program(arguments_, folder_.path() / "answer.txt", seconds_);
    if (end.timed_out) return {.scores = {0}, .extracted = "timed out", .right = false};
    const bool right = end.exit_code == 0;
    return {.scores = {right ? 1.0 : 0.0},
            .extracted = fmt::format("exit status {}", end.exit_code),
            .right = right};
  }

 private:
  PrivateFolder folder_;
  std::vector<std::string> arguments_;
  double seconds_;
};

std::unique_ptr<Matcher> make(const Row& settings, const JudgeOptions& options) {
  settings.only({"type"});
  if (options.command.empty())
    fail(ErrorCode::kInvalidArgument, "{}: got command, expected --match-command PROGRAM", settings.where());
  check_program(options.command[0], "--match-command");
  return std::make_unique<Command>(options);
}

constexpr auto kMetrics = std::to_array<std::string_view>({"command_pass"});

}  // namespace

constinit const MatcherKind kMatchCommand{
    .name = "command",
    .summary = "--match-command's program ends with status 0; only the command line can ask for it",
    .settings = "",
    .metrics = kMetrics,
    .needs_answers = false,
    .from_data = false,
    .make = make,
};

}  // namespace hone
