#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "base/error.h"
#include "eval/ifeval/checks.h"
#include "eval/ifeval/instruction.h"
#include "eval/judge.h"
#include "eval/task_file.h"
#include "eval/task_list.h"

namespace hone {
namespace {

using Json = nlohmann::ordered_json;

TaskItem read(const Json& row) {
  const Task& task = find_task("ifeval");
  return task.read(Row(row, "file:1: ifeval", std::string(task.columns)));
}

TEST(IfevalTest, FollowsLmEvaluationHarness) {
  const Json goldens = Json::parse(std::ifstream(HONE_TEST_DATA "/golden/eval/ifeval.json"));
  const std::vector<std::string> answers = goldens["answers"];
  const TaskFile file{.task = &find_task("ifeval"), .path = {}, .content_hash = {}, .items = {}};
  const auto judge = file.task->writing.judge(file, {});
  std::set<std::string> seen;
  for (const Json& golden : goldens["instructions"]) {
    seen.insert(golden["id"]);
    const TaskItem item = read({{"prompt", "p"},
                                {"instruction_id_list", {golden["id"]}},
                                {"kwargs", Json::array({golden["arguments"]})}});
    for (size_t i = 0; i < answers.size(); ++i) {
      const Judgement judgement = judge->judge(item, answers[i]);
      EXPECT_EQ(judgement.scores[0].sum, golden["strict"].get<std::string>()[i] - '0') << golden << "\n"
                                                                                       << answers[i];
      EXPECT_EQ(judgement.scores[2].sum, golden["loose"].get<std::string>()[i] - '0') << golden << "\n"
                                                                                      << answers[i];
    }
  }
  EXPECT_EQ(seen.size(), all_instructions().size() - 1);  // languages: below, and in language_test.cpp
}

TEST(IfevalTest, AllInstructionsOfThePaper) {
  std::set<std::string_view> ids;
  for (const Instruction& instruction : all_instructions()) {
    EXPECT_TRUE(ids.insert(instruction.id).second) << instruction.id;
    EXPECT_NE(instruction.follows, nullptr) << instruction.id;
  }
  EXPECT_EQ(ids.size(), 25u);
}

TEST(IfevalTest, Sentences) {
  EXPECT_EQ(ifeval::count_sentences(""), 0u);
  EXPECT_EQ(ifeval::count_sentences("One without an end"), 1u);
  EXPECT_EQ(ifeval::count_sentences("Mr. A. Smith paid 3.50 dollars. \"Really?\" she asked! Yes."), 4u);
  // To Punkt "e.g." and "etc." end sentences; what follows an ellipsis or an abbreviation opens one when it
  // is a common word.
  EXPECT_EQ(ifeval::count_sentences("Fruit, e.g. Apples, etc. It is so... good. (He left.) Done"), 5u);
  EXPECT_EQ(ifeval::count_sentences("So... The end. At 5 p.m. Jane and Mr. J. Doe left. At 5 p.m. the bell"),
            4u);
  EXPECT_EQ(ifeval::count_sentences("1. Wash.\n2. Dry.\n3. and fold, from $5."), 4u);
  EXPECT_EQ(ifeval::count_sentences("It **ends.** It ended.[1] (\"Did it?\") What?!! \u201cYes.\u201d"), 5u);
}

TEST(IfevalTest, WhatWasNotFollowedIsNamed) {
  const TaskFile file{.task = &find_task("ifeval"), .path = {}, .content_hash = {}, .items = {}};
  const TaskItem item = read(
      {{"prompt", "p"},
       {"instruction_id_list", {"punctuation:no_comma", "startend:quotation", "detectable_format:title"}},
       {"kwargs", Json::array({Json::object(), Json::object(), Json::object()})}});
  const Judgement judgement =
      file.task->writing.judge(file, {})->judge(item, "Sure, here it is:\n\"<<It>>\"");
  EXPECT_EQ(judgement.extracted,
            "not followed: punctuation:no_comma (loosely followed), startend:quotation (loosely followed)");
  EXPECT_EQ(judgement.scores[1].sum, 1);
  EXPECT_EQ(judgement.scores[3].sum, 3);
}

TEST(IfevalTest, Languages) {
  const auto follows = [](const char* id, const Json& arguments, const std::string& answer) {
    return find_instruction(id)->follows(answer, Row(arguments, id, "arguments"));
  };
  const std::string german = "Die Bücherei öffnet um neun Uhr, am Sonntag ist sie geschlossen.";
  EXPECT_TRUE(follows("language:response_language", {{"language", "de"}}, german));
  EXPECT_FALSE(follows("language:response_language", {{"language", "kn"}}, german));
  EXPECT_TRUE(follows("language:response_language", {{"language", "he"}}, "הספרייה נפתחת בתשע בבוקר."));
  EXPECT_TRUE(follows("language:response_language", {{"language", "kn"}}, "1 2 3"));  // nothing to tell it by
  const std::string english = "THE LIBRARY OPENS AT NINE, ON SUNDAYS IT IS CLOSED.";
  const std::string in_capitals = "DIE BÜCHEREI ÖFFNET UM NEUN UHR, AM SONNTAG IST SIE GESCHLOSSEN.";
  EXPECT_TRUE(follows("change_case:english_capital", Json::object(), english));
  EXPECT_FALSE(follows("change_case:english_lowercase", Json::object(), english));
  EXPECT_FALSE(follows("change_case:english_capital", Json::object(), in_capitals));
  EXPECT_TRUE(follows("change_case:english_lowercase", Json::object(), "the library opens at nine."));
  EXPECT_FALSE(follows("change_case:english_lowercase", Json::object(), "die bücherei öffnet um neun uhr."));
}

TEST(IfevalTest, WhatCannotBeCheckedIsLeftOutAndNamed) {
  const TaskItem letter = read({{"prompt", "p"},
                                {"instruction_id_list", {"keywords:letter_frequency"}},
                                {"kwargs", Json::array({{{"letter", "!"}, {"let_frequency", 3}}})}});
  EXPECT_NE(letter.left_out.find("at random"), std::string::npos);
  TaskFile file{.task = &find_task("ifeval"), .path = {}, .content_hash = {}, .items = {}};
  file.items.push_back(read({{"prompt", "p"},
                             {"instruction_id_list", {"change_case:english_capital"}},
                             {"kwargs", Json::array({Json::object()})}}));
  const auto remarks = file.task->writing.judge(file, {})->remarks(file);
  ASSERT_EQ(remarks.size(), 1u);
  EXPECT_NE(remarks[0].find("1 of change_case:english_capital: the language is told by CLD2"),
            std::string::npos);
}

TEST(IfevalTest, WrongRowsSayWhatIsWrong) {
  const auto error = [](const Json& row) -> std::string {
    try {
      read(row);
    } catch (const Error& e) {
      return e.what();
    }
    return "none";
  };
  const Json none = Json::object();
  EXPECT_NE(error({{"prompt", "p"}, {"instruction_id_list", {"no:such"}}, {"kwargs", Json::array({none})}})
                .find("got \"no:such\""),
            std::string::npos);
  EXPECT_NE(
      error({{"prompt", "p"}, {"instruction_id_list", {"punctuation:no_comma"}}, {"kwargs", Json::array()}})
          .find("\"kwargs\""),
      std::string::npos);
  EXPECT_NE(error({{"prompt", "p"},
                   {"instruction_id_list", {"length_constraints:number_words"}},
                   {"kwargs", Json::parse(R"([{"num_words": 5, "relation": "around"}])")}})
                .find("\"relation\": got \"around\", expected \"less than\" or \"at least\""),
            std::string::npos);
  EXPECT_NE(error({{"prompt", "p"},
                   {"instruction_id_list", {"language:response_language"}},
                   {"kwargs", Json::parse(R"([{"language": "German"}])")}})
                .find("\"language\": got \"German\", expected the ISO 639-1 code"),
            std::string::npos);
}

}  // namespace
}  // namespace hone
