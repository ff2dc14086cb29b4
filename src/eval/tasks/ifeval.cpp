// IFEval (Zhou et al. 2023): instructions whose following can be checked by rules. Strict: the answer as it
// is; loose: or without its first line, its last line, or asterisks. Prompt level: all instructions of a
// prompt; instruction level: each.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "eval/ifeval/instruction.h"
#include "eval/judge.h"
#include "eval/plain_text.h"
#include "eval/task_file.h"
#include "eval/task_list.h"

namespace hone {
namespace {

using nlohmann::ordered_json;

constexpr std::string_view kArguments = "the instruction's arguments";

// The definition draws an argument at random where the data has none that counts.
bool is_letter(const ordered_json& arguments) {
  const auto found = arguments.find("letter");
  if (found == arguments.end() || !found->is_string()) return false;
  const std::string letter = *found;
  return letter.size() == 1 && ((letter[0] | 0x20) >= 'a' && (letter[0] | 0x20) <= 'z');
}

TaskItem read(const Row& row) {
  TaskItem item;
  item.contexts = {row.text("prompt")};
  const std::vector<std::string> ids = row.texts("instruction_id_list");
  const ordered_json& arguments = row.at("kwargs");
  if (!arguments.is_array() || arguments.size() != ids.size())
    row.wrong("kwargs", "a list with an object for each instruction");
  for (size_t i = 0; i < ids.size(); ++i) {
    const Instruction* instruction = find_instruction(ids[i]);
    if (instruction == nullptr)
      row.fails(fmt::format("\"instruction_id_list\": got \"{}\", expected one of IFEval's 25", ids[i]));
    if (!arguments[i].is_object()) row.wrong("kwargs", "a list with an object for each instruction");
    item.judged_by.push_back({{"id", ids[i]}, {"arguments", arguments[i]}});
    if (ids[i] == "keywords:letter_frequency" && !is_letter(arguments[i]))
      item.left_out = ids[i] + " of what is no letter is checked for a letter drawn at random";
    else  // says now what is wrong with the arguments
      instruction->follows(
          "", {arguments[i], fmt::format("{}: kwargs of {}", row.where(), ids[i]), std::string(kArguments)});
  }
  return item;
}

// The answers of which any may follow an instruction loosely.
std::vector<std::string> loosely(const std::string& answer) {
  const std::vector<std::string_view> lines = split(answer, "\n");
  const auto of_lines = [&](size_t begin, size_t end) {
    if (begin >= end) return std::string();
    return std::string(strip(joined({lines.begin() + static_cast<std::ptrdiff_t>(begin),
                                     lines.begin() + static_cast<std::ptrdiff_t>(end)},
                                    "\n")));
  };
  const size_t n = lines.size();
  std::vector<std::string> out = {answer, of_lines(1, n), of_lines(0, n - 1), of_lines(1, n - 1)};
  for (size_t i = 0; i < 4; ++i) out.push_back(replace_all(out[i], "*", ""));
  return out;
}

bool follows(const ordered_json& instruction, const std::vector<std::string>& answers) {
  const std::string id = instruction["id"];
  const Row arguments(instruction["arguments"], id, std::string(kArguments));
  return std::any_of(answers.begin(), answers.end(), [&](const std::string& answer) {
    return !strip(answer).empty() && find_instruction(id)->follows(answer, arguments);
  });
}

class IfevalJudge : public Judge {
 public:
  std::vector<std::string> metrics() const override {
    return {"prompt_level_strict_acc", "inst_level_strict_acc", "prompt_level_loose_acc",
            "inst_level_loose_acc"};
  }
  Judgement judge(const TaskItem& item, const std::string& answer) const override {
    const std::vector<std::string> strict = {answer}, loose = loosely(answer);
    double n_strict = 0, n_loose = 0;
    std::string failed;
    for (const ordered_json& instruction : item.judged_by) {
      const bool is_strict = follows(instruction, strict),
                 is_loose = is_strict || follows(instruction, loose);
      if (!is_strict)
        failed += fmt::format("{}{}{}", failed.empty() ? "not followed: " : ", ",
                              std::string(instruction["id"]), is_loose ? " (loosely followed)" : "");
      n_strict += is_strict ? 1 : 0;
      n_loose += is_loose ? 1 : 0;
    }
    const auto n = static_cast<double>(item.judged_by.size());
    return {.scores = {{n_strict == n ? 1.0 : 0.0, 1},
                       {n_strict, n},
                       {n_loose == n ? 1.0 : 0.0, 1},
                       {n_loose, n}},
            .extracted = failed,
            .correct = n_strict == n};
  }
  std::string description() const override {
    return "by rules: strict, the answer as it is; loose, or without its first line, last line, asterisks";
  }
  std::vector<std::string> remarks(const TaskFile& file) const override {
    std::map<std::string, size_t> counts;
    for (const TaskItem& item : file.items)
      for (const ordered_json& instruction : item.judged_by) ++counts[instruction["id"]];
    std::vector<std::string> out;
    for (const auto& [id, n] : counts)
      if (const Instruction* instruction = find_instruction(id); !instruction->remark.empty())
        out.push_back(fmt::format("{} of {}: {}", n, id, instruction->remark));
    return out;
  }
};

std::unique_ptr<Judge> judge(const TaskFile&, const JudgeOptions&) {
  return std::make_unique<IfevalJudge>();
}

}  // namespace

constinit const Task kTaskIfeval{
    .name = "ifeval",
    .title = "IFEval",
    .summary = "instructions that can be checked by rules; usually with --apply-chat-template",
    .columns = "prompt, instruction_id_list, kwargs",
    .metric = "prompt_level_strict_acc",
    .kind = TaskKind::kWritten,
    .read = read,
    .writing = {.max_tokens = 1280, .judge = judge},
};

}  // namespace hone
