#include <algorithm>

#include "eval/ifeval/checks.h"
#include "eval/match/pattern.h"
#include "eval/plain_text.h"

namespace hone::ifeval {

bool number_of_sentences(const std::string& answer, const Row& arguments) {
  return holds(count_sentences(answer), arguments.whole("num_sentences"), arguments, "relation");
}

bool number_of_words(const std::string& answer, const Row& arguments) {
  // As NLTK's tokenizer (3.10) reads \w: vowel signs belong to their letters.
  static const Pattern word(R"([\pL\pM\p{Nd}\p{Nl}\p{Pc}\x{200C}\x{200D}]+)", "ifeval");
  return holds(word.count(answer), arguments.whole("num_words"), arguments, "relation");
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
