// Messages for wrong recipes are tested from outside too: apps/hone/tests.
#include "pipeline/recipe.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/folder_test_support.h"

namespace hone {
namespace {

namespace fs = std::filesystem;

class RecipeTest : public FolderTest {
 protected:
  void SetUp() override {
    for (const char* name : {"train.jsonl", "test.jsonl"}) write_file(folder_ / name, "{}");
  }

  Recipe load(const std::string& text) const {
    write_file(folder_ / "recipe.toml", text);
    return load_recipe(folder_ / "recipe.toml");
  }
  std::string error_of(const std::string& text) const {
    try {
      load(text);
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  }

  const std::string minimal_ =
      "[run]\nname = \"a\"\n[model]\nbase = \"m\"\n[data]\ntrain = \"train.jsonl\"\ntest = \"test.jsonl\"\n";
};

TEST_F(RecipeTest, Minimal) {
  const Recipe recipe = load(minimal_);
  EXPECT_EQ(recipe.output, fs::path("runs/a"));
  EXPECT_EQ(recipe.train, folder_ / "train.jsonl");
  EXPECT_EQ(recipe.tune.max_length, recipe.max_length);
  EXPECT_TRUE(recipe.quantize_to.empty());
}

TEST_F(RecipeTest, EveryValueArrives) {
  const Recipe recipe =
      load(minimal_ +
           "max_length = 100\n[tune]\nrank = 8\nalpha = 12\nlr = 1e-3\nschedule = \"linear\"\nsteps = 7\n"
           "targets = [\"q_proj\"]\ncheckpointing = \"on\"\n[quantize]\nto = [\"q8_0\", \"q4_0\"]\n"
           "[merge]\nformat = \"f32\"\n[eval]\nconvention = \"paper\"\nspeed = false\n");
  EXPECT_EQ(recipe.tune.adapter.rank, 8u);
  EXPECT_EQ(recipe.tune.adapter.alpha, 12);
  EXPECT_EQ(recipe.tune.lr, 1e-3);
  EXPECT_EQ(recipe.tune.schedule, "linear");
  EXPECT_EQ(recipe.tune.steps, 7u);
  EXPECT_EQ(recipe.tune.max_length, 100u);
  EXPECT_EQ(recipe.tune.adapter.targets, std::vector<std::string>{"q_proj"});
  EXPECT_EQ(recipe.tune.checkpointing, Checkpointing::kOn);
  EXPECT_EQ(recipe.quantize_to, (std::vector<std::string>{"q8_0", "q4_0"}));
  EXPECT_EQ(recipe.merge_format, "f32");
  EXPECT_EQ(recipe.eval.convention, "paper");
  EXPECT_FALSE(recipe.eval.speed);
}

TEST_F(RecipeTest, BeyondAsciiOnlyInQuotes) {
  const std::string note = "note = ";
  for (const char* good : {"'é'", "\"é \\\" é\"", "'''é\né'''", "\"\"\"é\"é\"\"\"\"\" # é", "'\\' # é"})
    EXPECT_NE(load(minimal_ + note + good + "\nmax_length = 32\n").data_note, "") << good;
  EXPECT_EQ(load("\xef\xbb\xbf" + minimal_).name, "a");
  for (const char* wrong : {"é", "\xc2\xa0'a'", "'a'\xc2\xa0", "'a'\n'é' = 1\né = 1"})
    EXPECT_NE(error_of(minimal_ + note + wrong).find("recipe.toml:"), std::string::npos) << wrong;
  EXPECT_NE(error_of("[run]\n  é = 1").find("recipe.toml:2:3: "), std::string::npos);
  EXPECT_NE(error_of("l=0'''''\x11~'l=22\xc8\x8d").find("recipe.toml:1:"), std::string::npos);
}

TEST_F(RecipeTest, WrongOnesSayWhere) {
  EXPECT_EQ(error_of(minimal_ + "[tune]\nrnak = 3\n"),
            "recipe.toml:9:1: unknown key \"rnak\" in [tune]; did you mean \"rank\"?");
  EXPECT_NE(error_of(minimal_ + "[tune]\nrank = 0\n").find("recipe.toml:9:8: [tune] rank: got integer 0"),
            std::string::npos);
  EXPECT_NE(error_of(minimal_ + "[tune]\nlr = \"x\"\n").find("expected a number from 0 to 1"),
            std::string::npos);
  EXPECT_NE(error_of(minimal_ + "[tune]\nlr = nan\n").find("expected a number"), std::string::npos);
  EXPECT_NE(error_of(minimal_ + "[quantize]\nto = [\"q4_0\", \"q4_0\"]\n").find("stands twice"),
            std::string::npos);
  EXPECT_NE(error_of(minimal_ + "[quantize]\nto = \"q4_0\"\n").find("a list of strings"), std::string::npos);
  EXPECT_NE(error_of("run = 3\n").find("is a section"), std::string::npos);
  EXPECT_NE(error_of("[run]\nname = \"../up\"\n").find("letters, digits"), std::string::npos);
  EXPECT_NE(error_of("").find("[run] name is missing"), std::string::npos);
  EXPECT_NE(error_of(std::string(100000, '[')).find("recipe.toml:"), std::string::npos);
}

}  // namespace
}  // namespace hone
