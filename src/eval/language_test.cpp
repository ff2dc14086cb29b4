#include "eval/language.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "text/jinja_text.h"

namespace hone {
namespace {

using Json = nlohmann::json;

// As langdetect names them.
std::string told(const std::string& text) {
  const std::string code(language_of(text));
  return code == "zh" ? "zh-cn" : code;
}

TEST(LanguageTest, FollowsLangdetect) {
  // A short sentence that CLD2 takes for English, and one that langdetect takes for Vietnamese.
  const std::set<std::string> different = {"La biblioteca apre alle nove del mattino.",
                                           "THE LIBRARY OPENS AT NINE IN THE MORNING"};
  const Json goldens = Json::parse(std::ifstream(HONE_TEST_DATA "/golden/eval/languages.json"));
  EXPECT_EQ(goldens.size(), 116u);
  for (const Json& golden : goldens) {
    const std::string text = golden["text"];
    EXPECT_EQ(told(text) == golden["langdetect"], !different.contains(text)) << golden << " " << told(text);
  }
}

TEST(LanguageTest, AnyBytesAreTextInSomeLanguage) {
  const std::string english = "The library opens at nine in the morning, ";
  std::string all;
  for (int32_t c = 0; c < 0x110000; ++c) {
    all.clear();
    jinja::append_utf8(all, c);
    // Every sort of character that CLD2 refuses lies among these; the rest would take minutes.
    if (c < 0x3000 || (c & 0xFF) >= 0xF0 || (c >= 0xD000 && c < 0x10000 && c % 7 == 0)) {
      EXPECT_EQ(language_of(english + all + " said the man at the door."), "en") << std::hex << c;
    }
  }
  for (const char* broken : {"\xFF", "\xC3", "\xE2\x82", "\xED\xA0\x80", "\xF8\x88\x80\x80\x80"})
    EXPECT_EQ(language_of(english + broken + " said the man at the door."), "en");
  EXPECT_EQ(language_of(""), "");
  EXPECT_EQ(language_of(std::string("\0\x01 12", 5)), "");
}

}  // namespace
}  // namespace hone
