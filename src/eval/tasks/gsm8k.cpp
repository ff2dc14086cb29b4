// GSM8K (Cobbe et al. 2021): grade school mathematics, solved step by step. Prompt, stops and both ways of
// finding the result are lm-evaluation-harness's gsm8k.
#include <fmt/format.h>

#include <array>

#include "eval/match/exact.h"
#include "eval/plain_text.h"
#include "eval/task_list.h"

namespace hone {
namespace {

// Steps of the right solution: its annotated computations, or its lines before the result.
size_t count_steps(const std::string& solution) {
  const size_t annotated = split(solution, "<<").size() - 1;
  if (annotated > 0) return annotated;
  size_t lines = 0;
  for (const std::string_view line : split(solution, "\n"))
    lines += !strip(line).empty() && !line.starts_with("####") ? 1 : 0;
  return lines;
}

TaskItem read(const Row& row) {
  TaskItem item;
  item.contexts = {"Question: " + row.text("question") + "\nAnswer:"};
  item.choices = {row.text("answer")};
  if (item.choices[0].find("####") == std::string::npos)
    row.wrong("answer", "a solution that ends with #### and the result");
  const size_t steps = count_steps(item.choices[0]);
  item.category = fmt::format("{} step{}", steps, steps == 1 ? "" : "s");
  return item;
}

ExactOptions same_result() {
  ExactOptions options{
      .ignore_case = true, .ignore_punctuation = false, .ignore_numbers = false, .ignore = {}};
  for (const char* pattern : {",", "\\$", "(?s).*#### ", "\\.$"})
    options.ignore.emplace_back(pattern, "gsm8k");
  return options;
}

class Gsm8kJudge : public Judge {
 public:
  std::vector<std::string> metrics() const override {
    return {"exact_match,strict-match", "exact_match,flexible-extract"};
  }
  Judgement judge(const TaskItem& item, const std::string& answer) const override {
    const std::string strict = extract(strict_, answer, false), flexible = extract(flexible_, answer, true);
    const std::string right = reduced(item.choices[0], same_);
    const auto is_right = [&](const std::string& found) {
      return reduced(found, same_) == right ? 1.0 : 0.0;
    };
    const double score = is_right(strict);
    return {.scores = {{score, 1}, {is_right(flexible), 1}},
            .extracted = strict == kNoMatch ? flexible : strict,
            .correct = score > 0};
  }
  std::string description() const override {
    return "the result behind #### (strict-match), the last number (flexible-extract); "
           "exact_match without $ , and the point at the end";
  }

 private:
  Pattern strict_{R"(#### (\-?[0-9\.\,]+))", "gsm8k"};
  Pattern flexible_{R"((-?[$0-9.,]{2,})|(-?[0-9]+))", "gsm8k"};
  ExactOptions same_ = same_result();
};

std::unique_ptr<Judge> judge(const TaskFile&, const JudgeOptions&) {
  return std::make_unique<Gsm8kJudge>();
}

constexpr auto kStop = std::to_array<std::string_view>({"Question:", "</s>", "<|im_end|>"});

}  // namespace

constinit const Task kTaskGsm8k{
    .name = "gsm8k",
    .title = "GSM8K",
    .summary = "grade school mathematics, solved in writing; published numbers have --shots 5",
    .columns = "question, answer (a solution that ends with #### and the result)",
    .metric = "exact_match,strict-match",
    .kind = TaskKind::kWritten,
    .read = read,
    .writing = {.stop = kStop, .judge = judge},
};

}  // namespace hone
