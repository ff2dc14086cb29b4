#include "data/chat_renderer.h"

#include <algorithm>

namespace hone {
namespace {

using nlohmann::ordered_json;

// Stands for each byte of a control text that somebody wrote into a message: no template or token knows it.
constexpr char kNeutral = '\x01';

// Overwrites control texts inside strings of messages; true when there were any.
bool neutralize(const ControlTexts& controls, ordered_json& value) {
  bool found = false;
  if (value.is_string()) {
    std::string& text = value.get_ref<std::string&>();
    for (size_t i = 0; i < text.size(); ++i) {
      const size_t length = controls.length(text, i);
      std::fill_n(text.begin() + static_cast<std::ptrdiff_t>(i), length, kNeutral);
      found = found || length > 0;
    }
    return found;
  }
  if (value.is_structured())
    for (ordered_json& item : value) found = neutralize(controls, item) || found;
  return found;
}

// True when b is a with nothing changed but bytes overwritten by kNeutral.
bool same_but_neutral(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i)
    if (a[i] != b[i] && b[i] != kNeutral) return false;
  return true;
}

}  // namespace

ControlTexts::ControlTexts(const Tokenizer& tokenizer) {
  const TokenizerData& data = tokenizer.data();
  for (size_t id = 0; id < data.tokens.size(); ++id) {
    const bool control =
        tokenizer.is_control(static_cast<TokenId>(id)) || data.types[id] == TokenType::kUnknown;
    if (!control || data.tokens[id].empty()) continue;
    texts_.push_back(data.tokens[id]);
    starts_[static_cast<uint8_t>(data.tokens[id][0])] = true;
  }
}

size_t ControlTexts::length(std::string_view text, size_t at) const {
  size_t best = 0;
  if (!starts_[static_cast<uint8_t>(text[at])]) return best;
  for (const std::string_view token : texts_)
    if (token.size() > best && text.substr(at).starts_with(token)) best = token.size();
  return best;
}

// `text` with the control texts that came from messages overwritten.
std::string ChatRenderer::marked(const ordered_json& messages, const RenderOptions& options,
                                 const std::string& text) const {
  ordered_json neutral_messages = messages;
  if (!neutralize(controls_, neutral_messages)) return text;
  std::string neutral = codec_.chat_template.render(neutral_messages, options).text;
  // A template that looks for such texts itself (to cut out a reasoning part) renders otherwise without them;
  // then they are its business, and are parsed.
  return same_but_neutral(text, neutral) ? neutral : text;
}

ReadChat ChatRenderer::read(const ordered_json& messages, const RenderOptions& options) const {
  ReadChat out{.chat = codec_.chat_template.render(messages, options), .tokens = {}};
  const std::string& text = out.chat.text;
  const TokenizerData& data = codec_.tokenizer.data();
  out.tokens = codec_.tokenizer.encode_placed(text, marked(messages, options, text));
  const bool has_bos = data.bos >= 0 && static_cast<size_t>(data.bos) < data.tokens.size();
  if (has_bos && data.add_bos && !text.starts_with(data.tokens[static_cast<size_t>(data.bos)]))
    out.tokens.insert(out.tokens.begin(), {data.bos, 0, 0});
  return out;
}

}  // namespace hone
