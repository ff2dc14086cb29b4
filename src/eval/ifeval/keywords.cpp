#include <algorithm>
#include <utility>

#include "eval/ifeval/checks.h"
#include "eval/match/pattern.h"
#include "eval/plain_text.h"
#include "text/jinja_text.h"

namespace hone::ifeval {
namespace {

// The Penn Treebank's rules for parting words, as NLTK has them and as far as they change how many words in
// capitals there are: what they do to points at the ends of sentences does not.
struct Rule {
  Pattern pattern;
  std::string rewrite;
};

const std::vector<Rule>& word_rules() {
  static const std::vector<Rule> rules = [] {
    std::vector<Rule> out;
    for (const auto& [pattern, rewrite] : {
             std::pair{"[\u00ab\u201c\u2018\u201e\u00bb\u201d\u2019\"`]|''", " \\0 "},  // quotation marks
             std::pair{"([:,])([^0-9])", " \\1 \\2"},
             std::pair{"[;@#$%&?!*\\[\\](){}<>]|[\u2012-\u2015]|\\.{2,}|--", " \\0 "},
             std::pair{"\\s+", " "},
             std::pair{"([^' ])('[sSmMdD]) ", "\\1 \\2 "},
             std::pair{"([^' ])('ll|'LL|'re|'RE|'ve|'VE|n't|N'T) ", "\\1 \\2 "},
             std::pair{"(?i)\\b(can)(not)\\b", " \\1 \\2 "},
             std::pair{"(?i)\\b(d)('ye)\\b", " \\1 \\2 "},
             std::pair{"(?i)\\b(gim|lem)(me)\\b", " \\1 \\2 "},
             std::pair{"(?i)\\b(gon)(na)\\b", " \\1 \\2 "},
             std::pair{"(?i)\\b(got)(ta)\\b", " \\1 \\2 "},
             std::pair{"(?i)\\b(more)('n)\\b", " \\1 \\2 "},
             std::pair{"(?i)\\b(wan)(na) ", " \\1 \\2 "},
         })
      out.push_back({Pattern(pattern, "ifeval"), rewrite});
    return out;
  }();
  return rules;
}

}  // namespace

bool holds(size_t count, size_t limit, const Row& arguments, std::string_view relation) {
  const std::string text = arguments.text(relation);
  if (text != "less than" && text != "at least") arguments.wrong(relation, "\"less than\" or \"at least\"");
  return text == "less than" ? count < limit : count >= limit;
}

// At least one letter of this case and none of the other.
template <typename Wanted, typename Other>
bool is_all(std::string_view text, Wanted wanted, Other other) {
  bool any = false;
  for (jinja::CharWalk walk{.s = text}; !walk.done(); walk.next()) {
    if (other(walk.here().value)) return false;
    any = any || wanted(walk.here().value);
  }
  return any;
}

bool is_all_upper(std::string_view text) {
  return is_all(text, jinja::is_upper, jinja::is_lower);
}

bool is_all_lower(std::string_view text) {
  return is_all(text, jinja::is_lower, jinja::is_upper);
}

bool has_keywords(const std::string& answer, const Row& arguments) {
  bool all = true;
  for (const std::string& keyword : arguments.texts("keywords"))
    all = Pattern(keyword, arguments.where() + ": keywords", Pattern::kIgnoreCase).found(answer) && all;
  return all;
}

bool keyword_frequency(const std::string& answer, const Row& arguments) {
  const Pattern keyword(std::string(strip(arguments.text("keyword"))), arguments.where() + ": keyword",
                        Pattern::kIgnoreCase);
  return holds(keyword.count(answer), arguments.whole("frequency"), arguments, "relation");
}

bool lacks_words(const std::string& answer, const Row& arguments) {
  bool none = true;
  for (const std::string& word : arguments.texts("forbidden_words"))
    none = !Pattern("\\b" + word + "\\b", arguments.where() + ": forbidden_words", Pattern::kIgnoreCase)
                .found(answer) &&
           none;
  return none;
}

bool letter_frequency(const std::string& answer, const Row& arguments) {
  const std::string letter = lower(arguments.text("letter"));
  size_t count = 0;
  const std::string small = lower(answer);
  for (size_t at = small.find(letter); at != std::string::npos; at = small.find(letter, at + letter.size()))
    ++count;
  return holds(count, arguments.whole("let_frequency"), arguments, "let_relation");
}

bool capital_words(const std::string& answer, const Row& arguments) {
  std::string text = " " + answer + " ";
  for (const auto& [pattern, rewrite] : word_rules()) text = pattern.replaced_in(text, rewrite);
  const std::vector<std::string_view> words = split_words(text);
  const auto count = static_cast<size_t>(std::count_if(words.begin(), words.end(), is_all_upper));
  return holds(count, arguments.whole("capital_frequency"), arguments, "capital_relation");
}

}  // namespace hone::ifeval
