// The checks, for instruction_list.cpp; arguments as the data set calls them.
#pragma once

#include <string>

#include "eval/row.h"

namespace hone::ifeval {

// keywords.cpp
bool has_keywords(const std::string& answer, const Row& arguments);       // keywords (patterns)
bool keyword_frequency(const std::string& answer, const Row& arguments);  // keyword, frequency, relation
bool lacks_words(const std::string& answer, const Row& arguments);        // forbidden_words
bool letter_frequency(const std::string& answer,
                      const Row& arguments);                          // letter, let_frequency, let_relation
bool capital_words(const std::string& answer, const Row& arguments);  // capital_frequency, capital_relation
// length.cpp
bool number_of_sentences(const std::string& answer, const Row& arguments);   // num_sentences, relation
bool number_of_words(const std::string& answer, const Row& arguments);       // num_words, relation
bool number_of_paragraphs(const std::string& answer, const Row& arguments);  // num_paragraphs
// num_paragraphs, nth_paragraph, first_word
bool first_word_of_paragraph(const std::string& answer, const Row& arguments);
// format.cpp
bool number_of_placeholders(const std::string& answer, const Row& arguments);  // num_placeholders
bool postscript(const std::string& answer, const Row& arguments);              // postscript_marker
bool number_of_bullets(const std::string& answer, const Row& arguments);       // num_bullets
bool number_of_highlights(const std::string& answer, const Row& arguments);    // num_highlights
bool number_of_sections(const std::string& answer, const Row& arguments);  // section_spliter, num_sections
bool constrained_answer(const std::string& answer, const Row& arguments);
bool json_format(const std::string& answer, const Row& arguments);
bool has_title(const std::string& answer, const Row& arguments);
// whole_answer.cpp
bool two_answers(const std::string& answer, const Row& arguments);
bool repeats_prompt(const std::string& answer, const Row& arguments);    // prompt_to_repeat
bool ends_with_phrase(const std::string& answer, const Row& arguments);  // end_phrase
bool no_comma(const std::string& answer, const Row& arguments);
bool quoted(const std::string& answer, const Row& arguments);
// language.cpp
bool answers_in_language(const std::string& answer, const Row& arguments);  // language
bool english_capitals(const std::string& answer, const Row& arguments);
bool english_lowercase(const std::string& answer, const Row& arguments);

// What several of them share.
// "less than" or "at least" in the column `relation`.
bool holds(size_t count, size_t limit, const Row& arguments, std::string_view relation);
// sentences.cpp: as NLTK's tokenizer (Punkt) ends them.
size_t count_sentences(std::string_view text);
// Some letter, and none in lower (upper) case.
bool is_all_upper(std::string_view text);
bool is_all_lower(std::string_view text);

}  // namespace hone::ifeval
