// Text that goes to a terminal or into a page, and that stderr gets no other.
#include "base/clean_text.h"

#include <gtest/gtest.h>

#include "base/progress.h"

namespace hone {
namespace {

TEST(CleanText, InvalidUtf8IsReplacedAsBrowsersDo) {
  // Expected strings from Python: bytes.decode("utf-8", "replace").
  EXPECT_EQ(valid_utf8("a\xFF"
                       "b"),
            "a\uFFFD"
            "b");
  EXPECT_EQ(valid_utf8("\xE2\x82"), "\uFFFD");
  EXPECT_EQ(valid_utf8("\xE2\x82"
                       "A"),
            "\uFFFD"
            "A");
  EXPECT_EQ(valid_utf8("\xC0\xAF"), "\uFFFD\uFFFD");
  EXPECT_EQ(valid_utf8("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(valid_utf8("\xF4\x90\x80\x80"), "\uFFFD\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(valid_utf8("\xF0\x9F\xA9"), "\uFFFD");
  EXPECT_EQ(valid_utf8("é漢\xF0\x9F\xA9\xBA"), "é漢\xF0\x9F\xA9\xBA");
}

TEST(CleanText, HasNothingATerminalObeys) {
  // C0 and C1 controls (U+009B begins an escape sequence as ESC [ does), DEL, and halves of UTF-8.
  EXPECT_EQ(clean_text("a\x1b[31mb\x07\x7f\u009b2J\xc2"),
            "a\uFFFD[31mb\uFFFD\uFFFD\uFFFD"
            "2J\uFFFD");
  EXPECT_EQ(clean_text("a\r\nb\rc\td\n"), "a\nb\nc\td\n");
  EXPECT_EQ(single_line("/a  b/m\nhone: error:\tx \r\n\n"), "/a  b/m hone: error: x");
  EXPECT_EQ(single_line("\n\t "), "");
}

// What `write` leaves on stderr.
template <typename Write>
std::string stderr_of(const Write& write) {
  testing::internal::CaptureStderr();
  write();
  return testing::internal::GetCapturedStderr();
}

TEST(CleanText, IsAllThatGoesToStderr) {
  const std::string hostile = "\x1b]0;owned\x07\nhone: error: \u009bx";
  const std::string shown = "\uFFFD]0;owned\uFFFD hone: error: \uFFFDx";
  EXPECT_EQ(stderr_of([&] { put_line(hostile); }), shown + "\n");
  EXPECT_EQ(stderr_of([&] { say(hostile); }), shown + "\n");
  const std::string bar = stderr_of([&] {
    Progress progress(hostile, 1, "files");
    progress.finish(hostile);
  });
  EXPECT_TRUE(bar.starts_with(shown + ": 100%")) << bar;
  EXPECT_TRUE(bar.ends_with("  " + shown + "\n")) << bar;
}

TEST(CleanText, QuietSilencesMessagesNotErrors) {
  Progress::set_quiet(true);
  EXPECT_EQ(stderr_of([] { say("loading"); }), "");
  EXPECT_EQ(stderr_of([] { put_line("hone: error: x"); }), "hone: error: x\n");
  Progress::set_quiet(false);
}

}  // namespace
}  // namespace hone
