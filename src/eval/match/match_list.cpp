#include "eval/match/match_list.h"

#include <array>

#include "base/error.h"

namespace hone {
namespace {

using nlohmann::ordered_json;

constexpr auto kMatchers = std::to_array<const MatcherKind*>({
    &kMatchExact,
    &kMatchNumeric,
    &kMatchRegex,
    &kMatchF1,
    &kMatchRougeL,
    &kMatchJson,
    &kMatchCommand,
});

const MatcherKind& find_matcher(const std::string& name, const std::string& where, bool from_data) {
  std::string known;
  for (const MatcherKind* kind : kMatchers) {
    if (from_data && !kind->from_data) continue;
    if (kind->name == name) return *kind;
    known += (known.empty() ? "" : ", ") + std::string(kind->name);
  }
  fail(ErrorCode::kInvalidArgument, "{}: got \"{}\", expected one of {}", where, name, known);
}

}  // namespace

std::span<const MatcherKind* const> all_matchers() noexcept {
  return kMatchers;
}

NamedMatcher make_matcher(const ordered_json& spec, const std::string& where, const JudgeOptions& options,
                          bool from_data) {
  const ordered_json object = spec.is_string() ? ordered_json{{"type", spec}} : spec;
  if (!object.is_object())
    fail(ErrorCode::kInvalidArgument, "{}: got {}, expected a matcher's name or an object with \"type\"",
         where, spec.dump(-1, ' ', false, ordered_json::error_handler_t::replace));
  const Row settings(object, where, "type and the matcher's settings");
  const MatcherKind& kind = find_matcher(settings.text("type"), where, from_data);
  return {&kind, kind.make(settings, options)};
}

ordered_json parse_match(const std::string& text, const std::string& where) {
  if (!text.starts_with("{")) return text;
  ordered_json spec = ordered_json::parse(text, nullptr, false);
  if (!spec.is_object())
    fail(ErrorCode::kInvalidArgument, "{}: got {}, expected a matcher's name or a JSON object with \"type\"",
         where, text);
  return spec;
}

}  // namespace hone
