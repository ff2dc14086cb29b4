#include "eval/language.h"

#include <cld2/public/compact_lang_det.h>
#include <cld2/public/encodings.h>

#include <cstdio>  // cld2's header needs it
#include <limits>
#include <string>

#include "base/clean_text.h"
#include "base/error.h"
#include "text/jinja_text.h"

namespace hone {
namespace {

// CLD2 refuses a whole text for one of these.
bool is_refused(char32_t c) {
  const bool control = (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || (c >= 0x7F && c < 0xA0);
  const bool no_character = (c >= 0xFDD0 && c <= 0xFDEF) || (c & 0xFFFE) == 0xFFFE;
  return c == kMalformed || control || no_character;
}

std::string without_refused(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const CodePoint here = next_code_point(text, at);
    if (is_refused(here.value))
      out += ' ';
    else
      out += text.substr(at, here.bytes);
    at += here.bytes;
  }
  return out;
}

bool has_letters(std::string_view text) {
  for (jinja::CharWalk walk{.s = text}; !walk.done(); walk.next())
    if (jinja::is_alpha(walk.here().value)) return true;
  return false;
}

}  // namespace

std::string_view language_of(std::string_view text) {
  const std::string clean = without_refused(text);
  if (!has_letters(clean)) return {};
  HONE_CHECK(clean.size() <= std::numeric_limits<int>::max());
  const CLD2::CLDHints no_hints{nullptr, nullptr, CLD2::UNKNOWN_ENCODING, CLD2::UNKNOWN_LANGUAGE};
  CLD2::Language likeliest[3];
  int percent[3], letter_bytes = 0, valid_bytes = 0;
  double scores[3];
  bool reliable = false;
  const CLD2::Language found = CLD2::ExtDetectLanguageSummaryCheckUTF8(
      clean.data(), static_cast<int>(clean.size()), /*is_plain_text=*/true, &no_hints,
      CLD2::kCLDFlagBestEffort, likeliest, percent, scores, /*resultchunkvector=*/nullptr, &letter_bytes,
      &reliable, &valid_bytes);
  // Text that CLD2 refuses after all is in no language it knows; what a model wrote must not end the program.
  if (static_cast<size_t>(valid_bytes) != clean.size()) return "un";
  const std::string_view code = CLD2::LanguageCode(found);
  return code == "iw" ? "he" : code;  // Hebrew's code until 1989
}

}  // namespace hone
