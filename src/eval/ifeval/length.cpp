#include <algorithm>
#include <array>

#include "eval/ifeval/checks.h"
#include "eval/match/pattern.h"
#include "eval/plain_text.h"
#include "text/jinja_text.h"

namespace hone::ifeval {
namespace {

constexpr auto kAbbreviations = std::to_array<std::string_view>({
    "mr",  "mrs",  "ms",  "dr",  "prof", "st",  "jr",  "sr",   "gen",    "col",  "lt",  "capt", "sgt",
    "rev", "hon",  "gov", "sen", "rep",  "vs",  "etc", "e.g",  "i.e",    "cf",   "al",  "inc",  "ltd",
    "co",  "corp", "no",  "fig", "vol",  "pp",  "ed",  "jan",  "feb",    "mar",  "apr", "aug",  "sept",
    "oct", "nov",  "dec", "u.s", "u.k",  "a.m", "p.m", "ph.d", "approx", "dept", "est", "ave",  "blvd",
});

std::string_view without_marks(std::string_view word, bool at_end) {
  while (!word.empty() &&
         std::string_view("\"'()[]{}*_").find(at_end ? word.back() : word.front()) != std::string_view::npos)
    word = at_end ? word.substr(0, word.size() - 1) : word.substr(1);
  return word;
}

// Whether a sentence ends with `word`, `next` following it.
bool ends_sentence(std::string_view word, std::string_view next) {
  word = without_marks(without_marks(word, true), false);
  if (word.empty()) return false;
  if (word.back() == '!' || word.back() == '?') return true;
  if (word.back() != '.') return false;
  next = without_marks(next, false);
  if (!next.empty() && jinja::is_lower(jinja::code_point_at(next, 0).value)) return false;
  const std::string small = lower(word.substr(0, word.size() - 1));
  const bool initial = small.size() == 1 && small != "i" && small[0] >= 'a' && small[0] <= 'z';
  return !initial && std::find(kAbbreviations.begin(), kAbbreviations.end(), small) == kAbbreviations.end();
}

}  // namespace

size_t count_sentences(std::string_view text) {
  const std::vector<std::string_view> words = split_words(text);
  size_t count = 0;
  for (size_t i = 0; i < words.size(); ++i)
    count += i + 1 == words.size() || ends_sentence(words[i], words[i + 1]) ? 1 : 0;
  return count;
}

bool number_of_sentences(const std::string& answer, const Row& arguments) {
  return holds(count_sentences(answer), arguments.whole("num_sentences"), arguments, "relation");
}

bool number_of_words(const std::string& answer, const Row& arguments) {
  const auto pieces = split_at_word_edges(answer);
  const auto count = static_cast<size_t>(std::count_if(pieces.begin(), pieces.end(), is_word));
  return holds(count, arguments.whole("num_words"), arguments, "relation");
}

bool number_of_paragraphs(const std::string& answer, const Row& arguments) {
  const size_t wanted = arguments.whole("num_paragraphs");
  // A space beside the divider is the divider's; that changes no paragraph's being empty.
  const auto paragraphs = split(answer, "***");
  size_t count = paragraphs.size();
  for (size_t i = 0; i < paragraphs.size(); ++i) {
    if (!strip(paragraphs[i]).empty()) continue;
    if (i != 0 && i + 1 != paragraphs.size()) return false;
    --count;
  }
  return count == wanted;
}

bool first_word_of_paragraph(const std::string& answer, const Row& arguments) {
  const size_t wanted = arguments.whole("num_paragraphs"), nth = arguments.whole("nth_paragraph");
  const std::string first_word = lower(arguments.text("first_word"));
  if (nth == 0 || nth > wanted) arguments.wrong("nth_paragraph", "1 to num_paragraphs");
  const auto paragraphs = split(answer, "\n\n");
  const auto filled = static_cast<size_t>(std::count_if(
      paragraphs.begin(), paragraphs.end(), [](std::string_view p) { return !strip(p).empty(); }));
  if (nth > filled || strip(paragraphs[nth - 1]).empty()) return false;
  std::string_view word = split_words(paragraphs[nth - 1])[0];
  while (word.starts_with('\'')) word.remove_prefix(1);
  while (word.starts_with('"')) word.remove_prefix(1);
  word = word.substr(0, word.find_first_of(".,?!'\""));
  return filled == wanted && lower(word) == first_word;
}

}  // namespace hone::ifeval
