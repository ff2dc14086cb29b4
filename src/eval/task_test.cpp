#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "base/error.h"
#include "eval/details.h"
#include "eval/task_list.h"
#include "eval/task_test_support.h"

namespace hone {
namespace {

TaskItem read(std::string_view task, const char* json) {
  const auto value = nlohmann::ordered_json::parse(json);
  const Task& found = find_task(task);
  return found.read(Row(value, "file:1: " + std::string(task), std::string(found.columns)));
}

std::string error_of(std::string_view task, const char* json) {
  try {
    read(task, json);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    return error.what();
  }
  return "none";
}

TEST(TaskTest, NamesDifferAndRowsAreDescribed) {
  std::set<std::string_view> names;
  for (const Task* task : all_tasks()) {
    EXPECT_TRUE(names.insert(task->name).second) << task->name;
    EXPECT_FALSE(task->columns.empty() || task->summary.empty()) << task->name;
  }
  EXPECT_THROW(find_task("nosuch"), Error);
}

// What lm-evaluation-harness makes of the same rows.
TEST(TaskTest, HellaswagIsCleaned) {
  const TaskItem item =
      read("hellaswag", R"({"activity_label": "Roof", "ctx_a": "A man [substeps] sits. [title] Next",
      "ctx_b": "he RUNS", "endings": ["a  b [step] c", "d"], "label": "1"})");
  EXPECT_EQ(item.contexts[0], "Roof: A man sits.. Next He runs");
  EXPECT_EQ(item.choices, (std::vector<std::string>{"a b c", "d"}));
  EXPECT_EQ(item.answer, 1u);
}

TEST(TaskTest, PromptsOfTheOthers) {
  EXPECT_EQ(read("arc", R"({"question": "Q?", "choices": {"text": ["x", "y"], "label": ["1", "2"]},
      "answerKey": "2"})")
                .answer,
            1u);
  const TaskItem book = read("openbookqa", R"({"question_stem": "The sun is", "choices": {"text": ["a star",
      "a lamp"], "label": ["A", "B"]}, "answerKey": " A"})");
  EXPECT_EQ(book.contexts[0], "The sun is");
  EXPECT_EQ(book.answer, 0u);
  const TaskItem mmlu = read("mmlu", R"({"question": " Q? ", "choices": ["x", "y"], "answer": 1,
      "subject": "high_school"})");
  EXPECT_EQ(mmlu.contexts[0], "Q?\nA. x\nB. y\nAnswer:");
  EXPECT_EQ(find_task("mmlu").description(mmlu),
            "The following are multiple choice questions (with answers) about high school.\n\n");
  const TaskItem gap =
      read("winogrande", R"({"sentence": "The cup hit _ hard.", "option1": "it", "option2": "him",
      "answer": "2"})");
  EXPECT_EQ(gap.contexts, (std::vector<std::string>{"The cup hit it", "The cup hit him"}));
  EXPECT_EQ(gap.choices, std::vector<std::string>{"hard."});
  EXPECT_EQ(gap.answer, 1u);
  const TaskItem copa = read("copa", R"({"premise": "It rained.", "question": "effect", "choice1": "He ran.",
      "choice2": "She sat.", "label": 0})");
  EXPECT_EQ(copa.contexts[0], "It rained therefore");
  EXPECT_EQ(copa.choices[0], " he ran.");
  EXPECT_EQ(read("boolq", R"({"passage": "P", "question": "is it", "answer": true})").answer, 1u);
  EXPECT_EQ(read("lambada", R"({"text": "one two three"})").choices[0], " three");
  EXPECT_EQ(read("truthfulqa_mc2", R"({"question": "Q", "mc2_targets": {"choices": ["a", "b", "c"],
      "labels": [0, 1, 1]}})")
                .true_choices,
            (std::vector<uint8_t>{0, 1, 1}));
}

TEST(TaskTest, AnswersByNumberLetterAndText) {
  for (const char* answer : {"1", "\"1\"", "\"B\"", "\"blue\""}) {
    const std::string row =
        std::string(R"({"question": "Q", "choices": ["red", "blue"], "answer": )") + answer + "}";
    EXPECT_EQ(read("choices", row.c_str()).answer, 1u) << answer;
  }
}

TEST(TaskTest, WrongRowsSayWhatIsWrong) {
  EXPECT_NE(error_of("piqa", R"({"goal": "g", "sol1": "a", "sol2": "b", "label": 2})")
                .find("\"label\": got 2, expected 0 to 1 or A to B"),
            std::string::npos);
  EXPECT_NE(error_of("piqa", R"({"text": "g"})").find("is missing: got text, expected goal, sol1"),
            std::string::npos);
  EXPECT_NE(error_of("winogrande", R"({"sentence": "no gap", "option1": "a", "option2": "b", "answer": "1"})")
                .find("the gap _"),
            std::string::npos);
  EXPECT_NE(error_of("choices", R"({"context": "c", "choices": ["a"], "answer": 0})").find("at least two"),
            std::string::npos);
}

TEST(PairedTest, McNemarIsTheBinomialTest) {
  EXPECT_EQ(mcnemar_exact(0, 0), 1.0);
  EXPECT_NEAR(mcnemar_exact(1, 9), 0.021484375, 1e-12);  // 2 (1 + 10) / 2^10
  EXPECT_NEAR(mcnemar_exact(9, 1), 0.021484375, 1e-12);
  EXPECT_EQ(mcnemar_exact(3, 3), 1.0);
}

// Scores of a tiny model.
class TaskRunTest : public TinyModelTask {
 protected:
  // log p of a text behind another, from whole logits.
  double plain(const std::string& context, const std::string& continuation) const {
    const TokenPair pair = encode_pair(tokenizer_, context, continuation);
    std::vector<TokenId> all = pair.context;
    all.insert(all.end(), pair.continuation.begin(), pair.continuation.end());
    OpContext ctx{.tape = nullptr, .compute = ComputeMode::kPrecise, .observer = nullptr};
    const Tensor logits = model_.logits(ctx, model_.hidden(ctx, TokenBatch::single(all)));
    double sum = 0;
    for (size_t t = pair.context.size(); t < all.size(); ++t) {
      double z = 0;
      for (size_t v = 0; v < logits.cols(); ++v) z += std::exp(static_cast<double>(logits.row(t - 1)[v]));
      sum += static_cast<double>(logits.row(t - 1)[all[t]]) - std::log(z);
    }
    return sum;
  }
};

// Common beginnings, contexts shared by choices of one and of many tokens, many groups.
TEST_F(TaskRunTest, EqualsThePlainComputation) {
  std::string rows;
  for (int i = 0; i < 30; ++i)
    rows += fmt::format(
        R"({{"context": "The common beginning of all {}questions is {}","choices": ["a","no long answer","b{}"],"answer": {}}})"
        "\n",
        i % 3 == 0 ? "" : "the other ", i % 7, i, i % 3);
  const TaskFile tasks = file("choices", rows);
  for (const size_t shots : {0u, 2u}) {
    const PromptOptions options{.shots = shots};
    const TaskResult result = run(tasks, options);
    const Prompts prompts(tasks, options);
    double right = 0;
    for (size_t i = 0; i < tasks.items.size(); ++i) {
      const TaskItem& item = tasks.items[i];
      for (size_t c = 0; c < 3; ++c)
        EXPECT_NEAR(result.items[i].log_likelihoods[c], plain(prompts.of(i)[0], " " + item.choices[c]), 1e-3);
      right += result.items[i].prediction == item.answer ? 1 : 0;
    }
    EXPECT_NEAR(result.metrics[0].estimate.value, right / 30, 1e-12);
    EXPECT_NEAR(result.metrics[0].estimate.stderr_, std::sqrt(right / 30 * (1 - right / 30) / 29), 1e-12);
  }
}

// A right answer that always stands first must not win by standing first alone: equal choices are the first.
TEST_F(TaskRunTest, TiesGoToTheFirst) {
  const TaskFile tasks = file("choices", R"({"context": "x", "choices": ["same", "same"], "answer": 1})");
  TaskFile second = tasks;
  second.items[0].answer = 1;
  const TaskResult result = run(second);
  EXPECT_EQ(result.items[0].prediction, 0u);
  EXPECT_EQ(result.items[0].margin, 0.0);
  EXPECT_FALSE(result.items[0].correct);
}

TEST_F(TaskRunTest, ShotsNeverShowTheItemItself) {
  const TaskFile tasks =
      file("lambada", "{\"text\": \"u one\"}\n{\"text\": \"v two\"}\n{\"text\": \"w three\"}\n");
  const PromptOptions options{.shots = 2};
  const Prompts prompts(tasks, options);
  for (size_t i = 0; i < 3; ++i) {
    const std::string prompt = prompts.of(i)[0];
    EXPECT_EQ(prompt.find(tasks.items[i].choices[0]), std::string::npos) << prompt;
    EXPECT_TRUE(prompt.ends_with("\n\n" + tasks.items[i].contexts[0])) << prompt;
  }
  EXPECT_THROW(Prompts(tasks, {.shots = 3}), Error);
}

TEST_F(TaskRunTest, SpacesMoveToTheContinuation) {
  const TokenPair moved = encode_pair(tokenizer_, "a b  ", "c"),
                  plain = encode_pair(tokenizer_, "a b", "  c");
  EXPECT_EQ(moved.context, plain.context);
  EXPECT_EQ(moved.continuation, plain.continuation);
  EXPECT_EQ(encode_pair(tokenizer_, "", "c").context.size(), 1u);
}

// The beginning goes, the choice stays.
TEST_F(TaskRunTest, LongPromptsLoseTheirBeginning) {
  const std::string context(400, 'q');
  const TaskResult result =
      run(file("choices", R"({"context": ")" + context + R"(", "choices": ["a", "b c d"], "answer": 0})"));
  EXPECT_EQ(result.n_truncated, 1u);
  EXPECT_TRUE(std::isfinite(result.items[0].log_likelihoods[1]));
}

TEST_F(TaskRunTest, FlipsAreCountedAndPaired) {
  TaskResult was, is;
  for (const auto& [a, b] : {std::pair{1, 1}, {1, 0}, {1, 0}, {0, 1}, {0, 0}}) {
    was.items.emplace_back().correct = a == 1;
    is.items.emplace_back().correct = b == 1;
  }
  was.metrics = {{"acc", {}, {1, 1, 1, 0, 0}}};
  is.metrics = {{"acc", {}, {1, 0, 0, 1, 0}}};
  const Flips flips = compare_items(was, is, 42);
  EXPECT_EQ(flips.to_wrong, 2u);
  EXPECT_EQ(flips.to_right, 1u);
  EXPECT_EQ(flips.items, (std::vector<size_t>{1, 2, 3}));
  EXPECT_NEAR(flips.difference.value, -0.2, 1e-12);
  EXPECT_EQ(flips.p, 1.0);
}

}  // namespace
}  // namespace hone
