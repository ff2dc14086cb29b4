#include <gtest/gtest.h>

#include <fstream>

#include "base/error.h"
#include "eval/match/exact.h"
#include "eval/match/f1.h"
#include "eval/match/match_list.h"
#include "eval/match/porter.h"
#include "eval/match/rouge_l.h"
#include "eval/plain_text.h"
#include "eval/task_file.h"
#include "eval/task_list.h"

namespace hone {
namespace {

using Json = nlohmann::ordered_json;

const Json& goldens() {
  static const Json json = Json::parse(std::ifstream(HONE_TEST_DATA "/golden/eval/matches.json"));
  return json;
}

Match match(const Json& spec, const std::string& answer, std::vector<std::string> references) {
  TaskItem item;
  item.choices = std::move(references);
  return make_matcher(spec, "test", {}, true).matcher->match(item, answer);
}

std::string error_of(const Json& spec, bool from_data = true, const JudgeOptions& options = {}) {
  try {
    make_matcher(spec, "here", options, from_data);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    return error.what();
  }
  return "none";
}

TEST(MatchGolden, F1ExactAndRougeL) {
  ASSERT_GT(goldens()["pairs"].size(), 100u);
  for (const Json& pair : goldens()["pairs"]) {
    const std::string answer = pair["answer"], reference = pair["reference"];
    const Match f1 = match("f1", answer, {reference});
    EXPECT_NEAR(f1.scores[0], pair["f1"].get<double>(), 1e-12) << answer << " | " << reference;
    EXPECT_EQ(f1.scores[1], pair["exact"].get<double>()) << answer << " | " << reference;
    EXPECT_NEAR(rouge_l(answer, reference, false), pair["rouge_l"].get<double>(), 1e-12) << answer;
    EXPECT_NEAR(rouge_l(answer, reference, true), pair["rouge_l_stems"].get<double>(), 1e-12) << answer;
  }
}

TEST(MatchGolden, Stems) {
  ASSERT_GT(goldens()["stems"].size(), 1000u);
  for (const auto& [word, stem] : goldens()["stems"].items()) EXPECT_EQ(porter_stem(word), stem) << word;
}

TEST(MatchGolden, ExactMatch) {
  const std::vector<std::string> texts = goldens()["exact_texts"];
  for (const Json& entry : goldens()["exact"]) {
    const ExactOptions options = exact_options(Row(entry["options"], "test", ""));
    for (size_t a = 0; a < texts.size(); ++a)
      for (size_t r = 0; r < texts.size(); ++r)
        EXPECT_EQ(reduced(texts[a], options) == reduced(texts[r], options),
                  entry["right"][a].get<std::string>()[r] == '1')
            << entry["options"] << texts[a] << " | " << texts[r];
  }
}

TEST(MatchGolden, Gsm8k) {
  const Task& task = find_task("gsm8k");
  TaskFile file{.task = &task, .path = {}, .content_hash = {}, .items = {}};
  const auto judge = task.writing.judge(file, {});
  for (const Json& entry : goldens()["gsm8k"]) {
    TaskItem item;
    item.choices = {entry["solution"]};
    const Judgement judgement = judge->judge(item, entry["answer"]);
    const bool strict = entry["strict_right"], flexible = entry["flexible_right"];
    EXPECT_EQ(judgement.scores[0].sum, strict ? 1 : 0) << entry;
    EXPECT_EQ(judgement.scores[1].sum, flexible ? 1 : 0) << entry;
    EXPECT_EQ(judgement.correct, strict) << entry;
    EXPECT_EQ(judgement.extracted, entry[entry["strict"] == "[invalid]" ? "flexible" : "strict"]) << entry;
  }
}

TEST(MatchTest, AnyRightAnswerWillDo) {
  EXPECT_TRUE(match("exact", " Paris\n", {"Lyon", "Paris"}).right);
  EXPECT_FALSE(match("exact", "paris", {"Lyon", "Paris"}).right);
  const Match best = match("f1", "in the city of Paris", {"Lyon", "Paris", "city Paris France"});
  EXPECT_NEAR(best.scores[0], 2 * (2.0 / 4) * (2.0 / 3) / (2.0 / 4 + 2.0 / 3), 1e-12);
  EXPECT_FALSE(best.right);
}

TEST(MatchTest, NumbersByValue) {
  for (const char* answer : {"1,000 eggs", "first 3, then 1000.0", "1e3", "= 1000."})
    EXPECT_TRUE(match("numeric", answer, {"1000"}).right) << answer;
  for (const char* answer : {"", "none", "1,0000", "1000 or 2", "-1000"})
    EXPECT_FALSE(match("numeric", answer, {"1000"}).right) << answer;
  EXPECT_TRUE(match({{"type", "numeric"}, {"first", true}}, "1, 2", {"1"}).right);
  EXPECT_TRUE(match({{"type", "numeric"}, {"tolerance", 0.01}}, "3.14", {"3.145"}).right);
  EXPECT_FALSE(match({{"type", "numeric"}, {"tolerance", 0.001}}, "3.14", {"3.145"}).right);
}

TEST(MatchTest, PatternsFindTheAnswer) {
  const Json spec = {
      {"type", "regex"}, {"pattern", "answer is \\(?([A-D])"}, {"last", true}, {"ignore_case", true}};
  EXPECT_EQ(match(spec, "The answer is A. No, the answer is (C).", {"c"}).extracted, "C");
  EXPECT_TRUE(match(spec, "The answer is A. No, the answer is (C).", {"c"}).right);
  EXPECT_EQ(match(spec, "I do not know", {"c"}).extracted, kNoMatch);
}

// A pattern that takes other libraries exponential time or their stack; here it is linear.
TEST(MatchTest, HostilePatternsAndLongTextsAreHarmless) {
  const std::string text(200000, 'a');
  EXPECT_FALSE(Pattern("(a+)+$b", "test").found(text));
  EXPECT_EQ(Pattern("(a|aa)+", "test").find_all(text).size(), 1u);
  EXPECT_EQ(Pattern("x*", "test").find_all("axb").size(), 4u);  // as Python: "", "x", "", ""
  EXPECT_EQ(Pattern("", "test").count("\u00e4b"), 3u);
}

TEST(MatchTest, JsonWithKeys) {
  EXPECT_TRUE(match("json", "```json\n{\"a\": 1}\n```", {}).right);
  EXPECT_FALSE(match("json", "{\"a\": 1} and more", {}).right);
  const Json spec = {{"type", "json"}, {"keys", {"a", "b"}}};
  EXPECT_TRUE(match(spec, R"({"a": 1, "b": null})", {}).right);
  EXPECT_FALSE(match(spec, R"({"a": 1})", {}).right);
  EXPECT_FALSE(match(spec, "[1]", {}).right);
}

TEST(MatchTest, ProgramsJudge) {
  const std::string script = "grep -q forty-two && grep -q '\"line\":7' \"$1\"";
  JudgeOptions options{.command = {"sh", "-c", script, "judge"}};
  const auto judge = make_matcher("command", "test", options, false).matcher;
  TaskItem item;
  item.line = 7;
  EXPECT_TRUE(judge->match(item, "forty-two").right);
  EXPECT_FALSE(judge->match(item, "forty-three").right);
  item.line = 8;
  EXPECT_FALSE(judge->match(item, "forty-two").right);
  options = {.command = {"sh", "-c", "sleep 1000; exit 0"}, .command_seconds = 0.05};
  EXPECT_EQ(make_matcher("command", "test", options, false).matcher->match(item, "x").extracted, "timed out");
}

TEST(MatchTest, WrongSettingsSayWhatIsWrong) {
  EXPECT_NE(error_of("nosuch").find("here: got \"nosuch\", expected one of exact, numeric"),
            std::string::npos);
  EXPECT_NE(error_of({{"type", "exact"}, {"ignore_cases", true}}).find("got \"ignore_cases\", expected type"),
            std::string::npos);
  EXPECT_NE(error_of({{"type", "regex"}, {"pattern", "(?=a)"}}).find("pattern \"(?=a)\""), std::string::npos);
  EXPECT_NE(error_of({{"type", "regex"}}).find("\"pattern\" is missing"), std::string::npos);
  EXPECT_NE(error_of(3).find("expected a matcher's name"), std::string::npos);
  // Data may not run programs, whatever the command line allows.
  const JudgeOptions options{.command = {"true"}};
  EXPECT_NE(error_of("command", true, options).find("got \"command\", expected one of exact"),
            std::string::npos);
  EXPECT_EQ(error_of("command", false, options), "none");
  EXPECT_NE(error_of("command", false).find("--match-command"), std::string::npos);
}

}  // namespace
}  // namespace hone
