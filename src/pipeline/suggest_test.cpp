#include "pipeline/suggest.h"

#include <gtest/gtest.h>

namespace hone {
namespace {

TEST(Suggest, Distance) {
  EXPECT_EQ(edit_distance("rank", "rank"), 0u);
  EXPECT_EQ(edit_distance("rnak", "rank"), 1u);  // neighbours swapped
  EXPECT_EQ(edit_distance("", "abc"), 3u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
}

TEST(Suggest, NearestOrNothing) {
  EXPECT_EQ(nearest("rnak", {"alpha", "rank", "lr"}), "rank");
  EXPECT_EQ(nearest("completely-different", {"alpha", "rank"}), "");
  EXPECT_EQ(suggestion("q8_1", {"q8_0", "q4_0"}), "; did you mean \"q8_0\"?");
  EXPECT_EQ(suggestion("zzzzzz", {"q8_0", "q4_0"}), "; known: q8_0, q4_0");
  EXPECT_EQ(nearest(std::string(100000, 'x'), {"rank"}), "");
}

}  // namespace
}  // namespace hone
