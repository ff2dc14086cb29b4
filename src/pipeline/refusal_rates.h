// How often a model declines to answer a set of prompts (eval/refusals.h says what counts).
#pragma once

#include <string>
#include <vector>

#include "data/dataset.h"
#include "eval/evaluate.h"
#include "pipeline/loaded_model.h"

namespace hone {

// Of an answer, where nobody says otherwise: what declines does so in its first words.
constexpr size_t kRefusalTokens = 64;

// Greedy answers to each prompt, a chat without its last answer, of at most max_tokens tokens. Throws what
// generate() throws, kNotSupported without a chat template, kCancelled.
std::vector<std::string> greedy_answers(const LoadedModel& loaded, const Candidate& candidate,
                                        const std::vector<ChatRecord>& prompts, size_t max_tokens,
                                        const std::string& label);
// 1 for each answer that begins like a refusal.
std::vector<DocumentScore> count_refusals(const std::vector<std::string>& answers);

}  // namespace hone
