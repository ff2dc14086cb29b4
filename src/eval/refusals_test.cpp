#include "eval/refusals.h"

#include <gtest/gtest.h>

#include <string>

namespace hone {
namespace {

TEST(Refusals, LooksAtTheBeginning) {
  EXPECT_TRUE(is_refusal("  I'm sorry, but that is nothing I help with."));
  EXPECT_TRUE(is_refusal("I\u2019m unable to open links."));
  EXPECT_TRUE(is_refusal("As an AI, I have no body."));
  EXPECT_FALSE(is_refusal("Boil the eggs for ten minutes."));
  EXPECT_FALSE(is_refusal(""));
  EXPECT_TRUE(is_refusal(std::string(kRefusalCharacters - 8, 'x') + "i cannot"));
  EXPECT_FALSE(is_refusal(std::string(kRefusalCharacters - 7, 'x') + "i cannot"));
  for (const std::string_view phrase : refusal_phrases()) EXPECT_TRUE(is_refusal(phrase)) << phrase;
}

}  // namespace
}  // namespace hone
