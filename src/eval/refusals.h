// Whether an answer declines to answer, guessed from its beginning: a count over many answers shows whether
// tuning made a model more or less willing. A heuristic: it misses refusals in other words and other
// languages, and takes an apology for one.
#pragma once

#include <span>
#include <string_view>

namespace hone {

constexpr size_t kRefusalCharacters = 200;  // of an answer that are looked at

// In lower case, with plain apostrophes.
std::span<const std::string_view> refusal_phrases() noexcept;
// One of the phrases stands in the beginning of the answer.
bool is_refusal(std::string_view answer);

}  // namespace hone
