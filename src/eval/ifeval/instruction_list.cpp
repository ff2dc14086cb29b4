#include <algorithm>
#include <array>

#include "eval/ifeval/checks.h"
#include "eval/ifeval/instruction.h"

namespace hone {
namespace {

constexpr std::string_view kDetector = "the language is told by CLD2, not by langdetect";

constexpr auto kInstructions = std::to_array<Instruction>({
    {"keywords:existence", ifeval::has_keywords},
    {"keywords:frequency", ifeval::keyword_frequency},
    {"keywords:forbidden_words", ifeval::lacks_words},
    {"keywords:letter_frequency", ifeval::letter_frequency},
    {"language:response_language", ifeval::answers_in_language, kDetector},
    {"length_constraints:number_sentences", ifeval::number_of_sentences,
     "sentences are counted by Punkt with a short list of words, not with NLTK's model"},
    {"length_constraints:number_paragraphs", ifeval::number_of_paragraphs},
    {"length_constraints:number_words", ifeval::number_of_words},
    {"length_constraints:nth_paragraph_first_word", ifeval::first_word_of_paragraph},
    {"detectable_content:number_placeholders", ifeval::number_of_placeholders},
    {"detectable_content:postscript", ifeval::postscript},
    {"detectable_format:number_bullet_lists", ifeval::number_of_bullets},
    {"detectable_format:constrained_response", ifeval::constrained_answer},
    {"detectable_format:number_highlighted_sections", ifeval::number_of_highlights},
    {"detectable_format:multiple_sections", ifeval::number_of_sections},
    {"detectable_format:json_format", ifeval::json_format},
    {"detectable_format:title", ifeval::has_title},
    {"combination:two_responses", ifeval::two_answers},
    {"combination:repeat_prompt", ifeval::repeats_prompt},
    {"startend:end_checker", ifeval::ends_with_phrase},
    {"startend:quotation", ifeval::quoted},
    {"change_case:capital_word_frequency", ifeval::capital_words},
    {"change_case:english_capital", ifeval::english_capitals, kDetector},
    {"change_case:english_lowercase", ifeval::english_lowercase, kDetector},
    {"punctuation:no_comma", ifeval::no_comma},
});

}  // namespace

std::span<const Instruction> all_instructions() noexcept {
  return kInstructions;
}

const Instruction* find_instruction(std::string_view id) noexcept {
  const auto found = std::find_if(kInstructions.begin(), kInstructions.end(),
                                  [&](const Instruction& instruction) { return instruction.id == id; });
  return found == kInstructions.end() ? nullptr : &*found;
}

}  // namespace hone
