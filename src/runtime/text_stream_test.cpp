#include "runtime/text_stream.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "runtime/utf8.h"

namespace hone {
namespace {

TEST(TextStream, StopStringsSpanTokens) {
  TextStream stream({"STOP", "\n\n"});
  EXPECT_EQ(stream.push("hello S"), "hello ");
  EXPECT_EQ(stream.push("T"), "");
  EXPECT_EQ(stream.push("A\n"), "STA");
  EXPECT_EQ(stream.push("b"), "\nb");
  EXPECT_EQ(stream.push("xST"), "x");
  EXPECT_FALSE(stream.stopped());
  EXPECT_EQ(stream.push("OP tail"), "");
  EXPECT_TRUE(stream.stopped());
  EXPECT_EQ(stream.push("more"), "");
  EXPECT_EQ(stream.finish(), "");
}

TEST(TextStream, TheEarliestStopWins) {
  TextStream stream({"bc", "b"});
  EXPECT_EQ(stream.push("abcd"), "a");
  EXPECT_TRUE(stream.stopped());
}

TEST(TextStream, SelfOverlappingStop) {
  TextStream stream({"aab"});
  EXPECT_EQ(stream.push("aa"), "");
  EXPECT_EQ(stream.push("a"), "a");
  EXPECT_EQ(stream.push("b"), "");
  EXPECT_TRUE(stream.stopped());
}

TEST(TextStream, CharactersLeaveWhole) {
  const std::string text = "a\xc3\xa9 \xe2\x82\xac \xf0\x9f\x99\x82 \xed\x9f\xbf\xf4\x8f\xbf\xbf";
  TextStream stream({});
  std::string out;
  for (const char c : text) {
    const std::string part = stream.push(std::string_view(&c, 1));
    EXPECT_EQ(invalid_utf8_at(part), std::string_view::npos);
    out += part;
  }
  EXPECT_EQ(out, text);
  EXPECT_EQ(stream.finish(), "");
}

TEST(TextStream, BadBytesAreReplaced) {
  TextStream stream({});
  EXPECT_EQ(stream.push("a\xff"
                        "b\xe2"),
            "a\xef\xbf\xbd"
            "b");
  EXPECT_EQ(stream.push("\x82"), "");
  EXPECT_EQ(stream.push("c"),
            "\xef\xbf\xbd"
            "c");
  EXPECT_EQ(stream.push("\xf0\x9f"), "");
  EXPECT_EQ(stream.finish(), "\xef\xbf\xbd");
  EXPECT_EQ(stream.push("\xed\xa0\x80"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");  // a surrogate
}

TEST(TextStream, EmptyStopIsAnError) {
  EXPECT_THROW(TextStream({""}), Error);
}

}  // namespace
}  // namespace hone
