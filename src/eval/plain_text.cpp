#include "eval/plain_text.h"

#include "text/jinja_text.h"

namespace hone {

std::string_view strip(std::string_view text) {
  size_t begin = 0;
  while (begin < text.size()) {
    const jinja::CodePoint c = jinja::code_point_at(text, begin);
    if (!jinja::is_space(c.value)) break;
    begin += c.bytes;
  }
  text.remove_prefix(begin);
  text.remove_suffix(trailing_space(text));
  return text;
}

size_t trailing_space(std::string_view text) {
  size_t end = 0;  // behind the last character that is no space
  for (jinja::CharWalk walk{.s = text}; !walk.done(); walk.next())
    if (!jinja::is_space(walk.here().value)) end = walk.at + walk.here().bytes;
  return text.size() - end;
}

std::string lower(std::string_view text) {
  std::string out;
  for (jinja::CharWalk walk{.s = text}; !walk.done(); walk.next()) {
    const jinja::CodePoint c = walk.here();
    out += c.bytes == 1 && c.value >= 0x80 ? std::string(text.substr(walk.at, 1)) : jinja::lower(c.value);
  }
  return out;
}

std::string capitalize(std::string_view text) {
  if (text.empty()) return {};
  const jinja::CodePoint first = jinja::code_point_at(text, 0);
  return jinja::title(first.value) + lower(text.substr(first.bytes));
}

std::string lower_first(std::string_view text) {
  if (text.empty()) return {};
  const jinja::CodePoint first = jinja::code_point_at(text, 0);
  return lower(text.substr(0, first.bytes)) + std::string(text.substr(first.bytes));
}

std::string replace_all(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  for (size_t at = 0;;) {
    const size_t found = text.find(from, at);
    out += text.substr(at, found - at);
    if (found == std::string_view::npos) return out;
    out += to;
    at = found + from.size();
  }
}

std::vector<std::string_view> split_words(std::string_view text) {
  std::vector<std::string_view> words;
  size_t begin = 0;
  for (jinja::CharWalk walk{.s = text}; !walk.done();) {
    const size_t at = walk.at;
    const bool space = jinja::is_space(walk.here().value);
    walk.next();
    if (!space) continue;
    if (at > begin) words.push_back(text.substr(begin, at - begin));
    begin = walk.at;
  }
  if (begin < text.size()) words.push_back(text.substr(begin));
  return words;
}

std::vector<std::string_view> split(std::string_view text, std::string_view separator) {
  std::vector<std::string_view> parts;
  for (size_t at = 0;;) {
    const size_t found = text.find(separator, at);
    parts.push_back(text.substr(at, found - at));
    if (found == std::string_view::npos) return parts;
    at = found + separator.size();
  }
}

std::string joined(const std::vector<std::string_view>& parts, std::string_view between) {
  std::string out;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) out += between;
    out += parts[i];
  }
  return out;
}

bool is_word(std::string_view piece) {
  return !piece.empty() && jinja::is_word(jinja::code_point_at(piece, 0).value);
}

std::vector<std::string_view> split_at_word_edges(std::string_view text) {
  std::vector<std::string_view> pieces;
  size_t begin = 0;
  bool word = is_word(text);
  for (jinja::CharWalk walk{.s = text}; !walk.done(); walk.next()) {
    const bool here = jinja::is_word(walk.here().value);
    if (here == word) continue;
    pieces.push_back(text.substr(begin, walk.at - begin));
    begin = walk.at;
    word = here;
  }
  if (begin < text.size()) pieces.push_back(text.substr(begin));
  return pieces;
}

std::string_view without_code_fence(std::string_view text) {
  text = strip(text);
  for (const std::string_view fence : {"```json", "```Json", "```JSON", "```"})
    if (text.starts_with(fence)) text.remove_prefix(fence.size());
  if (text.ends_with("```")) text.remove_suffix(3);
  return strip(text);
}

size_t count_characters(std::string_view text) {
  return jinja::count_code_points(text);
}

}  // namespace hone
