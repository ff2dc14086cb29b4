#include <algorithm>
#include <nlohmann/json.hpp>

#include "eval/ifeval/checks.h"
#include "eval/match/pattern.h"
#include "eval/plain_text.h"

namespace hone::ifeval {
namespace {

std::string_view without_around(std::string_view text, char mark) {
  while (text.starts_with(mark)) text.remove_prefix(1);
  while (text.ends_with(mark)) text.remove_suffix(1);
  return text;
}

}  // namespace

bool number_of_placeholders(const std::string& answer, const Row& arguments) {
  return Pattern(R"(\[.*?\])", "ifeval").count(answer) >= arguments.whole("num_placeholders");
}

bool postscript(const std::string& answer, const Row& arguments) {
  const std::string marker(strip(arguments.text("postscript_marker")));
  const std::string small = lower(answer);
  if (marker == "P.P.S") return Pattern(R"(p\.\s?p\.\s?s)", "ifeval").found(small);
  if (marker == "P.S.") return Pattern(R"(p\.\s?s\.)", "ifeval").found(small);
  return Pattern(lower(marker), arguments.where() + ": postscript_marker").found(small);
}

bool number_of_bullets(const std::string& answer, const Row& arguments) {
  const size_t stars = Pattern(R"((?m)^\s*\*[^*].*$)", "ifeval").count(answer);
  const size_t dashes = Pattern(R"((?m)^\s*-.*$)", "ifeval").count(answer);
  return stars + dashes == arguments.whole("num_bullets");
}

bool number_of_highlights(const std::string& answer, const Row& arguments) {
  size_t count = 0;
  for (const std::string& part : Pattern(R"(\*[^\n*]*\*)", "ifeval").find_all(answer))
    count += strip(without_around(part, '*')).empty() ? 0 : 1;
  for (const std::string& part : Pattern(R"(\*\*[^\n*]*\*\*)", "ifeval").find_all(answer))
    count += strip(std::string_view(part).substr(2, part.size() - 4)).empty() ? 0 : 1;
  return count >= arguments.whole("num_highlights");
}

bool number_of_sections(const std::string& answer, const Row& arguments) {
  const Pattern mark("\\s?" + std::string(strip(arguments.text("section_spliter"))) + "\\s?\\d+\\s?",
                     arguments.where() + ": section_spliter");
  return mark.count(answer) >= arguments.whole("num_sections");
}

bool constrained_answer(const std::string& answer, const Row&) {
  for (const char* option : {"My answer is yes.", "My answer is no.", "My answer is maybe."})
    if (answer.find(option) != std::string::npos) return true;
  return false;
}

bool json_format(const std::string& answer, const Row&) {
  return nlohmann::json::accept(without_code_fence(answer));
}

bool has_title(const std::string& answer, const Row&) {
  const auto titles = Pattern(R"(<<[^\n]+>>)", "ifeval").find_all(answer);
  return std::any_of(titles.begin(), titles.end(), [](std::string_view title) {
    while (title.starts_with('<')) title.remove_prefix(1);
    while (title.ends_with('>')) title.remove_suffix(1);
    return !strip(title).empty();
  });
}

}  // namespace hone::ifeval
