// Where sentences end, by Punkt (Kiss and Strunk 2006, "Unsupervised Multilingual Sentence Boundary
// Detection"), with the words cut as NLTK cuts them. What Punkt learns from a corpus (abbreviations, words
// that are not names) is a short list here: an abbreviation that is not among them ends a sentence, as it
// does there.
#include <algorithm>
#include <array>

#include "eval/ifeval/checks.h"
#include "eval/plain_text.h"
#include "text/jinja_text.h"

namespace hone::ifeval {
namespace {

constexpr auto kAbbreviations = std::to_array<std::string_view>({
    "mr",   "mrs", "ms",  "dr",  "prof", "st",  "jr",  "sr",   "gen",   "lt",    "col",  "sen",
    "rep",  "adm", "maj", "vs",  "inc",  "ltd", "co",  "corp", "bros",  "jan",   "feb",  "aug",
    "sept", "sep", "oct", "nov", "dec",  "ave", "ft",  "ph.d", "calif", "fla",   "mich", "minn",
    "wash", "wis", "va",  "a.m", "p.m",  "a.d", "u.s", "u.k",  "u.n",   "u.s.a", "d.c",  "n.y",
    "n.j",  "n.c", "l.a", "s.a", "j.b",  "j.c", "j.j", "j.k",  "j.p",   "j.r",
});
// Letters with which sentences end as well.
constexpr std::string_view kWordLetters = "abijoquxyz";
// Words that open sentences and hardly ever stand in capitals elsewhere, titles of articles included.
constexpr auto kOpeners = std::to_array<std::string_view>(
    {"according", "although", "among",   "between",      "both",    "but",   "choose", "despite",
     "does",      "even",     "finally", "furthermore",  "he",      "hence", "her",    "here",
     "however",   "i",        "if",      "in",           "instead", "into",  "it",     "many",
     "meanwhile", "moreover", "most",    "nevertheless", "nor",     "note",  "please", "remember",
     "since",     "so",       "some",    "sometimes",    "soon",    "still", "such",   "thank",
     "thanks",    "the",      "there",   "therefore",    "these",   "they",  "this",   "though",
     "through",   "thus",     "try",     "under",        "unless",  "very",  "when",   "whether",
     "which",     "while",    "within",  "without",      "yet",     "your"});

template <typename List>
bool is_in(const List& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

// One character, and the first byte behind it.
struct Reader {
  std::string_view text;
  int32_t at(size_t i) const { return i < text.size() ? jinja::code_point_at(text, i).value : -1; }
  size_t after(size_t i) const { return i + jinja::code_point_at(text, i).bytes; }
  bool is_space(size_t i) const { return i < text.size() && jinja::is_space(at(i)); }
  size_t skip_space(size_t i) const {
    while (is_space(i)) i = after(i);
    return i;
  }
  size_t skip_word(size_t i) const {
    while (i < text.size() && !is_space(i)) i = after(i);
    return i;
  }
};

bool is_curly_quote(int32_t c) {
  return c == 0x2018 || c == 0x2019 || c == 0x201C || c == 0x201D || c == 0xAB || c == 0xBB;
}
bool is_ascii_among(int32_t c, std::string_view characters) {
  return c > 0 && c < 0x80 && characters.find(static_cast<char>(c)) != std::string_view::npos;
}
bool is_mark(int32_t c) {
  return is_ascii_among(c, ".?!");
}
bool ends_word(int32_t c) {
  return is_ascii_among(c, ")\";}]*:@'({[?!") || is_curly_quote(c);
}
bool closes(int32_t c) {  // belongs to the sentence before it
  return is_ascii_among(c, "\"')]}") || is_curly_quote(c);
}

// The end of a run of hyphens or points at `i`, if there are two at least, or `i`.
size_t skip_run(const Reader& in, size_t i) {
  const int32_t c = in.at(i);
  if ((c != '-' && c != '.') || in.at(i + 1) != c) return i;
  while (in.at(i) == c) ++i;
  return i;
}

bool is_word_edge(const Reader& in, size_t i) {
  const auto plain_edge = [&](size_t k) {
    return k >= in.text.size() || in.is_space(k) || ends_word(in.at(k)) || skip_run(in, k) != k;
  };
  return plain_edge(i) || (in.at(i) == ',' && plain_edge(i + 1));
}

std::vector<std::string_view> tokens_of(std::string_view text) {
  const Reader in{text};
  std::vector<std::string_view> out;
  for (size_t i = in.skip_space(0); i < text.size(); i = in.skip_space(i)) {
    size_t end = skip_run(in, i);
    if (end == i) {
      end = in.after(i);
      if (!is_ascii_among(in.at(i), "(\"`{[:;&#*@)}]-,"))
        while (!is_word_edge(in, end)) end = in.after(end);
    }
    out.push_back(text.substr(i, end - i));
    i = end;
  }
  return out;
}

// "12", "-3.5", "1,000.": not "$5".
bool is_number(std::string_view token) {
  if (token.starts_with('-')) token.remove_prefix(1);
  if (token.starts_with('.') || token.starts_with(',')) token.remove_prefix(1);
  return !token.empty() && token[0] >= '0' && token[0] <= '9' &&
         token.find_first_not_of("0123456789,.-") == std::string_view::npos;
}

bool is_abbreviation(std::string_view token) {  // without its point
  std::string word = lower(token);
  word = word.substr(word.rfind('-') + 1);
  const bool letter = word.size() == 1 && word[0] >= 'a' && word[0] <= 'z';
  return letter ? kWordLetters.find(word[0]) == std::string_view::npos : is_in(kAbbreviations, word);
}

enum class Opens { kNo, kUnknown, kYes };
Opens opens_sentence(std::string_view token) {
  const int32_t first = jinja::code_point_at(token, 0).value;
  if ((token.size() == 1 && is_ascii_among(first, ";:,.!?")) || jinja::is_lower(first)) return Opens::kNo;
  while (token.size() > 1 && token.ends_with('.')) token.remove_suffix(1);
  return jinja::is_upper(first) && is_in(kOpeners, lower(token)) ? Opens::kYes : Opens::kUnknown;
}

bool ends_sentence(std::string_view token, std::string_view next) {
  if (token.size() == 1 && is_mark(token[0])) return true;
  if (!token.ends_with('.')) return false;
  const Opens opens = opens_sentence(next);
  if (token.ends_with("..")) return opens == Opens::kYes;
  const std::string_view word = token.substr(0, token.size() - 1);
  if (count_characters(word) == 1 && jinja::is_alpha(jinja::code_point_at(word, 0).value)) {  // an initial
    const bool before_name = opens == Opens::kUnknown && jinja::is_upper(jinja::code_point_at(next, 0).value);
    return !is_abbreviation(word) && opens != Opens::kNo && !before_name;
  }
  if (is_number(token)) return opens != Opens::kNo;
  return !is_abbreviation(word) || opens == Opens::kYes;
}

bool has_end(std::string_view text) {
  const std::vector<std::string_view> tokens = tokens_of(text);
  for (size_t i = 0; i + 1 < tokens.size(); ++i)
    if (ends_sentence(tokens[i], tokens[i + 1])) return true;
  return false;
}

// A mark that may end a sentence, with the word before it and what stands behind.
struct Place {
  size_t word = 0, mark = 0;
  size_t next = 0;  // where the next sentence would begin
  size_t end = 0;   // of what is looked at: the next word, or a character that directly follows
};

std::vector<Place> places(const Reader& in) {
  std::vector<Place> out;
  Place last;
  bool any = false;
  for (size_t i = 0; i < in.text.size(); ++i) {
    if (!is_mark(in.text[i])) continue;
    Place place{.mark = i, .next = in.skip_space(i + 1)};
    if (place.next >= in.text.size()) break;
    if (place.next == i + 1 && !ends_word(in.at(i + 1))) continue;
    place.end = place.next == i + 1 ? in.after(i + 1) : in.skip_word(place.next);
    const std::string_view before = in.text.substr(last.mark, i - last.mark);
    const size_t space = before.find_last_of(" \t\n\r\v\f");
    const bool same_word = space == std::string_view::npos || space == 0;
    place.word = same_word ? last.word : last.mark + space + 1;
    // Of several marks in a word the last one counts.
    if (any && last.mark <= place.word) out.push_back(last);
    last = place;
    any = true;
  }
  if (any) out.push_back(last);
  return out;
}

// Of what follows a mark: the bytes of brackets and quotation marks that close, and the space behind them.
size_t closing_bytes(std::string_view text) {
  const Reader in{text};
  size_t i = 0;
  while (closes(in.at(i))) i = in.after(i);
  const bool complete = i == text.size() || in.is_space(i) || text.substr(i).starts_with("--");
  return i == 0 || !complete ? 0 : in.skip_space(i);
}

}  // namespace

size_t count_sentences(std::string_view text) {
  const Reader in{text};
  std::vector<std::string_view> parts;
  size_t begin = 0;
  for (const Place& place : places(in)) {
    if (!has_end(text.substr(place.word, place.end - place.word))) continue;
    parts.push_back(text.substr(begin, place.mark + 1 - begin));
    begin = place.next;
  }
  parts.push_back(strip(text.substr(begin)));
  size_t count = 0, closing = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    const bool filled = closing < parts[i].size();
    closing = i + 1 < parts.size() ? closing_bytes(parts[i + 1]) : 0;
    count += filled || closing > 0 ? 1 : 0;
  }
  return count;
}

}  // namespace hone::ifeval
