// The matchers, for match_list.cpp, help and errors.
#pragma once

#include "eval/match/match.h"

namespace hone {

extern const MatcherKind kMatchExact;
extern const MatcherKind kMatchNumeric;
extern const MatcherKind kMatchRegex;
extern const MatcherKind kMatchF1;
extern const MatcherKind kMatchRougeL;
extern const MatcherKind kMatchJson;
extern const MatcherKind kMatchCommand;

std::span<const MatcherKind* const> all_matchers() noexcept;

struct NamedMatcher {
  const MatcherKind* kind = nullptr;
  std::shared_ptr<const Matcher> matcher;
};
// spec: a name, or an object with "type" and settings. from_data: of a row, which may not run programs.
// Throws kInvalidArgument "WHERE: …".
NamedMatcher make_matcher(const nlohmann::ordered_json& spec, const std::string& where,
                          const JudgeOptions& options, bool from_data);
// What --match was given, as a spec; throws kInvalidArgument for broken JSON.
nlohmann::ordered_json parse_match(const std::string& text, const std::string& where);

}  // namespace hone
