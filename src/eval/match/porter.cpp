#include "eval/match/porter.h"

#include <array>
#include <span>
#include <vector>

namespace hone {
namespace {

// "y" is a consonant unless it follows one.
std::vector<bool> consonants(std::string_view word) {
  std::vector<bool> out;
  for (const char c : word) {
    const bool vowel = std::string_view("aeiou").find(c) != std::string_view::npos;
    out.push_back(c == 'y' ? out.empty() || !out.back() : !vowel);
  }
  return out;
}

bool ends_in_consonant(std::string_view word) {
  return !word.empty() && consonants(word).back();
}

bool has_vowel(std::string_view word) {
  for (const bool consonant : consonants(word))
    if (!consonant) return true;
  return false;
}

// How often a consonant follows a vowel: the paper's m.
size_t measure(std::string_view word) {
  const std::vector<bool> is = consonants(word);
  size_t m = 0;
  for (size_t i = 1; i < is.size(); ++i) m += !is[i - 1] && is[i] ? 1 : 0;
  return m;
}

bool ends_double_consonant(std::string_view word) {
  return word.size() >= 2 && word.back() == word[word.size() - 2] && ends_in_consonant(word);
}

// The paper's *o; NLTK's also holds for words of a vowel and a consonant.
bool ends_cvc(std::string_view word) {
  const std::vector<bool> is = consonants(word);
  const size_t n = word.size();
  if (n == 2) return !is[0] && is[1];
  return n >= 3 && is[n - 3] && !is[n - 2] && is[n - 1] &&
         std::string_view("wxy").find(word.back()) == std::string_view::npos;
}

std::string_view without(std::string_view word, size_t n) {
  return word.substr(0, word.size() - n);
}

// The first rule whose suffix is there decides, whether its condition holds or not.
struct Rule {
  std::string_view suffix, replacement;
};

std::string replaced(const std::string& word, std::span<const Rule> rules, size_t more_than) {
  for (const auto& [suffix, replacement] : rules) {
    if (!word.ends_with(suffix)) continue;
    const std::string_view stem = without(word, suffix.size());
    return measure(stem) > more_than ? std::string(stem) + std::string(replacement) : word;
  }
  return word;
}

std::string step1a(const std::string& word) {
  if (word.ends_with("ies"))
    return word.size() == 4 ? std::string(without(word, 1)) : std::string(without(word, 2));
  if (word.ends_with("sses")) return std::string(without(word, 2));
  if (word.ends_with("s") && !word.ends_with("ss")) return std::string(without(word, 1));
  return word;
}

// What is put right behind a stem that lost its -ed or -ing.
std::string mended(const std::string& stem) {
  for (const char* suffix : {"at", "bl", "iz"})
    if (stem.ends_with(suffix)) return stem + "e";
  if (ends_double_consonant(stem)) {
    const bool stays = std::string_view("lsz").find(stem.back()) != std::string_view::npos;
    return stays ? stem : std::string(without(stem, 1));
  }
  return measure(stem) == 1 && ends_cvc(stem) ? stem + "e" : stem;
}

std::string step1b(const std::string& word) {
  if (word.ends_with("ied")) return std::string(without(word, word.size() == 4 ? 1 : 2));
  if (word.ends_with("eed")) return measure(without(word, 3)) > 0 ? std::string(without(word, 1)) : word;
  for (const std::string_view suffix : {"ed", "ing"}) {
    if (!word.ends_with(suffix)) continue;
    const std::string stem(without(word, suffix.size()));
    if (has_vowel(stem)) return mended(stem);
  }
  return word;
}

std::string step1c(const std::string& word) {
  if (!word.ends_with("y") || word.size() < 3 || !ends_in_consonant(without(word, 1))) return word;
  return std::string(without(word, 1)) + "i";
}

constexpr auto kStep2 = std::to_array<Rule>({
    {"ational", "ate"}, {"tional", "tion"}, {"enci", "ence"}, {"anci", "ance"}, {"izer", "ize"},
    {"bli", "ble"},     {"alli", "al"},     {"entli", "ent"}, {"eli", "e"},     {"ousli", "ous"},
    {"ization", "ize"}, {"ation", "ate"},   {"ator", "ate"},  {"alism", "al"},  {"iveness", "ive"},
    {"fulness", "ful"}, {"ousness", "ous"}, {"aliti", "al"},  {"iviti", "ive"}, {"biliti", "ble"},
    {"fulli", "ful"},
});
constexpr auto kStep3 = std::to_array<Rule>({
    {"icate", "ic"},
    {"ative", ""},
    {"alize", "al"},
    {"iciti", "ic"},
    {"ical", "ic"},
    {"ful", ""},
    {"ness", ""},
});
constexpr auto kStep4 = std::to_array<Rule>({
    {"al", ""},
    {"ance", ""},
    {"ence", ""},
    {"er", ""},
    {"ic", ""},
    {"able", ""},
    {"ible", ""},
    {"ant", ""},
    {"ement", ""},
    {"ment", ""},
    {"ent", ""},
    {"ou", ""},
    {"ism", ""},
    {"ate", ""},
    {"iti", ""},
    {"ous", ""},
    {"ive", ""},
    {"ize", ""},
});

std::string step2(std::string word) {
  while (word.ends_with("alli") && measure(without(word, 4)) > 0) word.resize(word.size() - 2);
  if (word.ends_with("logi"))  // the l counts as the stem's
    return measure(without(word, 3)) > 0 ? std::string(without(word, 1)) : word;
  return replaced(word, kStep2, 0);
}

std::string step4(const std::string& word) {
  if (word.ends_with("sion") || word.ends_with("tion"))  // the s or t stays and counts as the stem's
    return measure(without(word, 3)) > 1 ? std::string(without(word, 3)) : word;
  return replaced(word, kStep4, 1);
}

std::string step5(std::string word) {
  if (word.ends_with("e")) {
    const std::string_view stem = without(word, 1);
    const size_t m = measure(stem);
    if (m > 1 || (m == 1 && !ends_cvc(stem))) word.pop_back();
  }
  if (word.ends_with("ll") && measure(without(word, 1)) > 1) word.pop_back();
  return word;
}

constexpr auto kIrregular = std::to_array<Rule>({
    {"sky", "sky"},
    {"skies", "sky"},
    {"dying", "die"},
    {"lying", "lie"},
    {"tying", "tie"},
    {"news", "news"},
    {"innings", "inning"},
    {"inning", "inning"},
    {"outings", "outing"},
    {"outing", "outing"},
    {"cannings", "canning"},
    {"canning", "canning"},
    {"howe", "howe"},
    {"proceed", "proceed"},
    {"exceed", "exceed"},
    {"succeed", "succeed"},
});

}  // namespace

std::string porter_stem(std::string_view word) {
  for (const auto& [form, stem] : kIrregular)
    if (word == form) return std::string(stem);
  if (word.size() <= 2) return std::string(word);
  const std::string inflected = step1c(step1b(step1a(std::string(word))));
  return step5(step4(replaced(step2(inflected), kStep3, 0)));
}

}  // namespace hone
