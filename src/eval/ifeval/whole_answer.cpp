#include "eval/ifeval/checks.h"
#include "eval/plain_text.h"

namespace hone::ifeval {

bool two_answers(const std::string& answer, const Row&) {
  const auto parts = split(answer, "******");
  std::vector<std::string_view> filled;
  for (size_t i = 0; i < parts.size(); ++i) {
    const std::string_view part = strip(parts[i]);
    if (!part.empty())
      filled.push_back(part);
    else if (i != 0 && i + 1 != parts.size())
      return false;
  }
  return filled.size() == 2 && filled[0] != filled[1];
}

bool repeats_prompt(const std::string& answer, const Row& arguments) {
  const std::string prompt = lower(strip(arguments.text("prompt_to_repeat")));
  return lower(strip(answer)).starts_with(prompt);
}

bool ends_with_phrase(const std::string& answer, const Row& arguments) {
  const std::string phrase = lower(strip(arguments.text("end_phrase")));
  std::string_view text = strip(answer);
  while (text.starts_with('"')) text.remove_prefix(1);
  while (text.ends_with('"')) text.remove_suffix(1);
  return lower(text).ends_with(phrase);
}

bool no_comma(const std::string& answer, const Row&) {
  return answer.find(',') == std::string::npos;
}
bool quoted(const std::string& answer, const Row&) {
  const std::string_view text = strip(answer);
  return text.size() > 1 && text.front() == '"' && text.back() == '"';
}

}  // namespace hone::ifeval
