// A model's own Jinja chat template: one function for training, chat and export. The interpreter is jinja.h.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

// Follows Jinja2 as transformers configures it (immutable sandbox, trim_blocks, lstrip_blocks, {% generation
// %}, break and continue, tojson). Differences: integers are 64-bit; |safe and |escape give plain strings, so
// a later `+` escapes nothing; include, import, block and extends are refused, and the filters groupby,
// truncate, slice, wordwrap, striptags, urlencode, pprint, xmlattr and filesizeformat; upper() knows no
// letter but ß that becomes two, isdigit() only decimal digits.
namespace hone {

struct RenderOptions {
  bool add_generation_prompt = false;
  nlohmann::ordered_json tools;  // null when none
  nlohmann::ordered_json extra;  // further template variables (object) or null
};

struct RenderedChat {
  std::string text;
  // Byte ranges of `text` that came from assistant messages' content, in order and disjoint. What a template
  // trims or rewrites (tojson) is in none; {% generation %} blocks play no part. Content that a template
  // takes apart and writes again as it was, reasoning marks included, is one range.
  struct Span {
    size_t begin, end;
    size_t message;  // index into messages
  };
  std::vector<Span> assistant;
};

class ChatTemplate {
 public:
  // Throws kCorruption with line and column when the template does not parse, kNotSupported for unknown tags
  // or filters. bos_token/eos_token are the texts of those tokens ("" when none).
  // `variables`: more names and texts that every rendering knows, such as pad_token.
  using Variables = std::vector<std::pair<std::string, std::string>>;
  ChatTemplate(std::string source, std::string bos_token, std::string eos_token, Variables variables = {});
  ~ChatTemplate();
  ChatTemplate(ChatTemplate&&) noexcept;
  ChatTemplate& operator=(ChatTemplate&&) noexcept;

  // messages: array of {"role", "content", …}. Throws kInvalidArgument for raise_exception() and bad
  // messages.
  RenderedChat render(const nlohmann::ordered_json& messages, const RenderOptions& options = {}) const;
  const std::string& source() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hone
