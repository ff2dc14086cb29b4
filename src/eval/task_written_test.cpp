#include <algorithm>

#include "base/error.h"
#include "base/hash.h"
#include "eval/details.h"
#include "eval/task_score.h"
#include "eval/task_test_support.h"
#include "runtime/generate.h"

namespace hone {
namespace {

class TaskWrittenTest : public TinyModelTask {
 protected:
  static std::string error_of(const std::function<void()>& what) {
    try {
      what();
    } catch (const Error& error) {
      return error.what();
    }
    return "none";
  }
  std::string alone(const std::string& prompt, size_t max_tokens) const {
    GenerateOptions options;
    options.sampling.temperature = 0;
    options.max_tokens = max_tokens;
    options.compute = ComputeMode::kPrecise;
    return generate(model_, tokenizer_, encode_context(tokenizer_, prompt), options).text;
  }
};

// More items than are written together, like beginnings and unlike ones.
TEST_F(TaskWrittenTest, TextsAreWhatGreedyGenerationWritesAlone) {
  std::string rows;
  for (int i = 0; i < 21; ++i)
    rows += fmt::format("{{\"prompt\": \"{} question {}\", \"answer\": \"x\"}}\n",
                        i % 3 == 0 ? "Another" : "The common beginning of many a", i % 5);
  const TaskFile tasks = file("generate", rows);
  for (const size_t shots : {0u, 1u}) {
    const PromptOptions options{.shots = shots, .max_tokens = 12};
    const TaskResult result = run(tasks, options);
    const Prompts prompts(tasks, options);
    for (size_t i = 0; i < tasks.items.size(); ++i) {
      EXPECT_EQ(result.items[i].written, alone(prompts.of(i)[0], 12)) << i;
      EXPECT_EQ(result.items[i].prompt_hash, Hasher().add(prompts.of(i)[0]).digest());
      EXPECT_FALSE(result.items[i].finish.empty());
    }
  }
}

TEST_F(TaskWrittenTest, RightAnswersCountAndTextsEndAtStops) {
  const std::string text = alone("Say it", 12);
  const auto ascii = std::find_if(text.begin() + 1, text.end(), [](char c) { return c > ' '; });
  ASSERT_NE(ascii, text.end()) << text;
  const std::string stop(1, *ascii);
  const std::string begin = text.substr(0, text.find(stop));
  const auto rows = [&](const std::string& answer) {
    return nlohmann::ordered_json{{"prompt", "Say it"}, {"answers", {"never", answer}}}.dump() + "\n" +
           nlohmann::ordered_json{{"prompt", "Say it"}, {"answer", "never"}}.dump();
  };
  const TaskResult whole = run(file("generate", rows(text)), {.max_tokens = 12});
  EXPECT_EQ(whole.metrics[0].name, "exact_match");
  EXPECT_EQ(whole.metrics[0].estimate.value, 0.5);
  EXPECT_TRUE(whole.items[0].correct);
  EXPECT_FALSE(whole.items[1].correct);
  const TaskResult cut = run(file("generate", rows(begin)), {.max_tokens = 12, .stop = {{stop}}});
  EXPECT_EQ(cut.items[1].written, begin);
  EXPECT_EQ(cut.items[1].finish, "stop");
}

TEST_F(TaskWrittenTest, RowsMayHaveMatchersOfTheirOwn) {
  const std::string rows = R"({"prompt": "p", "answer": "x", "match": {"type": "regex", "pattern": ".*"}}
{"prompt": "p", "match": "json"}
)";
  EXPECT_EQ(run(file("generate", rows), {.max_tokens = 2}).metrics[0].name, "score");
  EXPECT_NE(error_of([&] {
              run(file("generate", R"({"prompt": "p"})"));
            }).find(":1: generate: \"answer\": got none, expected a right answer, which the matcher exact"),
            std::string::npos);
  EXPECT_NE(error_of([&] {
              run(file("generate", R"({"prompt": "p", "match": "command"})"),
                  {.judge = {.command = {"true"}}});
            }).find("\"match\": got \"command\", expected one of exact"),
            std::string::npos);
}

TEST_F(TaskWrittenTest, ChatsNeedATemplate) {
  const TaskFile tasks = file("generate", R"({"messages": [{"role": "system", "content": "Be brief."}, )"
                                          R"({"role": "user", "content": "Hi"}], "answer": "x"})");
  EXPECT_NE(error_of([&] { run(tasks, {.max_tokens = 2}); }).find("--apply-chat-template"),
            std::string::npos);
  const ChatTemplate chat(tiny_chat_template(), "", "<|im_end|>");
  const PromptOptions options{.chat_template = &chat, .max_tokens = 2};
  EXPECT_EQ(
      Prompts(tasks, options).of(0)[0],
      "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
  EXPECT_NE(error_of([&] {
              file("generate", R"({"messages": [{"role": "assistant", "content": "Hi"}]})");
            }).find("a text of the user at the end"),
            std::string::npos);
}

TEST_F(TaskWrittenTest, LongPromptsLoseTheirBeginning) {
  const TaskFile tasks =
      file("generate", "{\"prompt\": \"" + std::string(400, 'q') + "\", \"answer\": \"x\"}\n");
  const TaskResult result = run(tasks, {.max_tokens = 56});
  EXPECT_EQ(result.n_truncated, 1u);
  EXPECT_EQ(result.items[0].written, alone(std::string(200, 'q'), 56));
  EXPECT_NE(
      error_of([&] { run(tasks); }).find("--max-tokens: got 256, expected fewer than the model's context"),
      std::string::npos);
}

TEST_F(TaskWrittenTest, Gsm8kAsksAsLmEvaluationHarness) {
  const TaskFile tasks = read_task_file(find_task("gsm8k"), HONE_TEST_DATA "/data/gsm8k.jsonl");
  ASSERT_EQ(tasks.items.size(), 6u);
  EXPECT_EQ(tasks.items[0].category, "2 steps");
  const std::string prompt = Prompts(tasks, {.shots = 1, .shots_file = &tasks}).of(1)[0];
  EXPECT_TRUE(prompt.starts_with("Question: Janet\u2019s ducks lay 16 eggs per day.")) << prompt;
  EXPECT_NE(prompt.find("\nAnswer: Janet sells 16 - 3 - 4 = <<16-3-4=9>>9"), std::string::npos) << prompt;
  EXPECT_NE(prompt.find("#### 18\n\nQuestion: A robe takes 2 bolts"), std::string::npos) << prompt;
  EXPECT_TRUE(prompt.ends_with("does it take?\nAnswer:")) << prompt;
  EXPECT_THROW(file("gsm8k", R"({"question": "q", "answer": "18"})"), Error);
}

TEST_F(TaskWrittenTest, CategoriesInTheOrderOfTheirNumbers) {
  TaskFile tasks;
  TaskResult result{.file = &tasks, .metrics = {{"acc", {}, {1, 0, 1, 1}}}, .items = {}};
  for (const char* category : {"10 steps", "2 steps", "2 steps", "odd"}) {
    tasks.items.emplace_back().category = category;
    result.items.emplace_back();
  }
  const std::vector<CategoryScore> scores = by_category(result, 42);
  ASSERT_EQ(scores.size(), 3u);
  EXPECT_EQ(scores[0].name, "2 steps");
  EXPECT_EQ(scores[0].estimate.value, 0.5);
  EXPECT_EQ(scores[1].name, "10 steps");
  EXPECT_EQ(scores[2].estimate.n, 1u);
  tasks.items.resize(1);
  result.items.resize(1);
  result.metrics[0].values.resize(1);
  EXPECT_TRUE(by_category(result, 42).empty());
}

// Rows that cannot be judged are counted, not scored; --limit counts rows.
TEST_F(TaskWrittenTest, RowsAreLeftOutByReason) {
  const std::string rows =
      R"({"prompt": "p", "instruction_id_list": ["keywords:letter_frequency"], "kwargs": [{"letter": "!", "let_frequency": 3, "let_relation": "at least"}]}
{"prompt": "p", "instruction_id_list": ["punctuation:no_comma", "change_case:english_lowercase"], "kwargs": [{}, {}]}
{"prompt": "p", "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]}
)";
  const TaskFile tasks = file("ifeval", rows, 2);
  ASSERT_EQ(tasks.items.size(), 1u);
  EXPECT_EQ(tasks.items[0].line, 2u);
  EXPECT_EQ(tasks.left_out.begin()->second, 1u);
  const TaskResult result = run(tasks, {.max_tokens = 3});
  EXPECT_EQ(result.metrics[1].name, "inst_level_strict_acc");
  EXPECT_EQ(result.metrics[1].estimate.n, 2u);
  EXPECT_EQ(result.remarks.size(), 1u);
  EXPECT_THROW(file("ifeval", rows, 1), Error);
  EXPECT_NE(error_of([&] { run(tasks, {.shots = 1, .shots_file = &tasks}); }).find("has no answer"),
            std::string::npos);
}

TEST_F(TaskWrittenTest, DetailsHoldWhatWasWritten) {
  const TaskFile tasks = file("generate", R"({"prompt": "p", "answer": "x", "category": "c"})");
  const TaskResult result = run(tasks, {.max_tokens = 3});
  TaskResult reference = result;
  reference.items[0].correct = true;
  const auto line = nlohmann::ordered_json::parse(detail_lines(result, &reference));
  EXPECT_EQ(line["written"], result.items[0].written);
  EXPECT_EQ(line["reference_written"], result.items[0].written);
  EXPECT_EQ(line["answers"], nlohmann::ordered_json::array({"x"}));
  EXPECT_EQ(line["flip"], "to wrong");
  EXPECT_EQ(line["prompt_hash"], result.items[0].prompt_hash);
  EXPECT_EQ(line["scores"]["exact_match"], 0.0);
}

}  // namespace
}  // namespace hone
