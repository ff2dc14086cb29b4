// Messages -> tokens and loss mask. The chat is rendered once, as a whole, and tokenized in one pass, so that
// tokens are exactly those of chat and serving; the mask comes from the byte ranges that the template
// reports, never from differences of prefixes (templates inject turns).
#include <algorithm>
#include <array>
#include <string_view>

#include "base/error.h"
#include "data/dataset.h"

namespace hone {
namespace {

using nlohmann::ordered_json;

// The texts that parse_special turns into control tokens.
class ControlTexts {
 public:
  explicit ControlTexts(const Tokenizer& tokenizer) {
    const TokenizerData& data = tokenizer.data();
    for (size_t id = 0; id < data.tokens.size(); ++id) {
      const bool control =
          tokenizer.is_control(static_cast<TokenId>(id)) || data.types[id] == TokenType::kUnknown;
      if (!control || data.tokens[id].empty()) continue;
      texts_.push_back({data.tokens[id], static_cast<TokenId>(id)});
      starts_[static_cast<uint8_t>(data.tokens[id][0])] = true;
    }
  }

  struct Match {
    size_t length = 0;
    TokenId id = -1;
  };
  // The longest control text at text[at]; length 0 when there is none.
  Match at(std::string_view text, size_t at) const {
    Match best;
    if (!starts_[static_cast<uint8_t>(text[at])]) return best;
    for (const auto& [token, id] : texts_)
      if (token.size() > best.length && text.substr(at).starts_with(token)) best = {token.size(), id};
    return best;
  }

 private:
  std::vector<std::pair<std::string_view, TokenId>> texts_;
  std::array<bool, 256> starts_{};
};

// Stands for each byte of a control text that somebody wrote into a message: no template or token knows it.
constexpr char kNeutral = '\x01';

// Overwrites control texts inside strings of messages; true when there were any.
bool neutralize(const ControlTexts& controls, ordered_json& value) {
  bool found = false;
  if (value.is_string()) {
    std::string& text = value.get_ref<std::string&>();
    for (size_t i = 0; i < text.size(); ++i) {
      const size_t length = controls.at(text, i).length;
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

struct Rendered {
  RenderedChat chat;
  // Empty, or chat.text with the control texts that came from messages overwritten.
  std::string neutral;
};

Rendered render(const ChatCodec& codec, const ControlTexts& controls, const ordered_json& messages,
                bool generation, const std::string& where) {
  try {
    Rendered out{
        codec.chat_template.render(messages, {.add_generation_prompt = generation, .tools = {}, .extra = {}}),
        {}};
    ordered_json neutral_messages = messages;
    if (neutralize(controls, neutral_messages)) {
      // A template that looks for such texts itself (to cut out a reasoning part) renders otherwise without
      // them; then they are its business, and are parsed.
      std::string text =
          codec.chat_template
              .render(neutral_messages, {.add_generation_prompt = generation, .tools = {}, .extra = {}})
              .text;
      if (same_but_neutral(out.chat.text, text)) out.neutral = std::move(text);
    }
    return out;
  } catch (const Error& error) {
    if (where.empty()) throw;
    throw Error(error.code(), fmt::format("{}: {}", where, error.what()));
  }
}

struct PlacedToken {
  TokenId id;
  size_t begin, end;  // bytes of the rendered text
};

// Appends the tokens of text[begin, end) with their places.
void append_encoded(const Tokenizer& tokenizer, std::string_view text, size_t begin, size_t end,
                    bool parse_special, const std::string& where, std::vector<PlacedToken>& out) {
  const std::string_view part = text.substr(begin, end - begin);
  size_t at = begin;
  for (const TokenId id : tokenizer.encode(part, {.add_special = false, .parse_special = parse_special})) {
    std::string bytes = tokenizer.token_bytes(id, true);
    std::string_view spelled = bytes;
    // SentencePiece-style vocabularies put a space before the text.
    if (!text.substr(at, end - at).starts_with(spelled) && spelled.starts_with(' ')) spelled.remove_prefix(1);
    if (!text.substr(at, end - at).starts_with(spelled))
      fail(
          ErrorCode::kNotSupported,
          "{}: tokenizer: its tokens do not spell the rendered chat at byte {}; the loss mask would be wrong",
          where, at);
    out.push_back({id, at, at + spelled.size()});
    at += spelled.size();
  }
  if (at != end)
    fail(ErrorCode::kNotSupported, "{}: tokenizer: its tokens end at byte {} of {} of the rendered chat",
         where, at, end);
}

std::vector<PlacedToken> tokenize(const Tokenizer& tokenizer, const ControlTexts& controls,
                                  const Rendered& rendered, const std::string& where) {
  const std::string& text = rendered.chat.text;
  const TokenizerData& data = tokenizer.data();
  std::vector<PlacedToken> out;
  const bool has_bos = data.bos >= 0 && static_cast<size_t>(data.bos) < data.tokens.size();
  if (has_bos && data.add_bos && !text.starts_with(data.tokens[static_cast<size_t>(data.bos)]))
    out.push_back({data.bos, 0, 0});
  if (rendered.neutral.empty()) {
    append_encoded(tokenizer, text, 0, text.size(), true, where, out);
    return out;
  }
  // Control texts of the template become tokens; the same texts inside messages stay text.
  size_t begin = 0;
  for (size_t i = 0; i < text.size();) {
    const ControlTexts::Match match = controls.at(rendered.neutral, i);
    if (match.length == 0) {
      ++i;
      continue;
    }
    append_encoded(tokenizer, text, begin, i, false, where, out);
    out.push_back({match.id, i, i + match.length});
    begin = i += match.length;
  }
  append_encoded(tokenizer, text, begin, text.size(), false, where, out);
  return out;
}

// The tokens of each assistant span, and the end-of-turn token behind it (white space may stand between).
std::vector<uint8_t> mask(const Tokenizer& tokenizer, const RenderedChat& chat,
                          const std::vector<PlacedToken>& tokens) {
  const auto is_space = [&](const PlacedToken& token, size_t from) {
    const std::string_view bytes = std::string_view(chat.text).substr(from, token.end - from);
    return bytes.find_first_not_of(" \t\r\n") == std::string_view::npos;
  };
  const auto ends_turn = [&](TokenId id) {
    return tokenizer.is_end_of_generation(id) || (tokenizer.is_control(id) && id != tokenizer.data().bos);
  };
  std::vector<uint8_t> supervised(tokens.size(), 0);
  for (const RenderedChat::Span& span : chat.assistant) {
    HONE_CHECK(span.begin <= span.end && span.end <= chat.text.size(), "span {}..{} of {}", span.begin,
               span.end, chat.text.size());
    const auto first = std::partition_point(
        tokens.begin(), tokens.end(), [&](const PlacedToken& token) { return token.end <= span.begin; });
    auto i = static_cast<size_t>(first - tokens.begin());
    bool bare = true;  // nothing but white space since the span
    for (; i < tokens.size() && tokens[i].begin < span.end; ++i) {
      supervised[i] = 1;
      bare = tokens[i].end <= span.end || is_space(tokens[i], span.end);
    }
    if (!bare || span.begin == span.end) continue;
    while (i < tokens.size() && !tokenizer.is_control(tokens[i].id) && is_space(tokens[i], tokens[i].begin))
      ++i;
    if (i < tokens.size() && ends_turn(tokens[i].id)) supervised[i] = 1;
  }
  return supervised;
}

}  // namespace

size_t Sample::n_supervised() const noexcept {
  return static_cast<size_t>(std::count(supervised.begin(), supervised.end(), uint8_t{1}));
}

Sample encode_chat(const ChatCodec& codec, const ChatRecord& record, size_t max_length,
                   const std::string& where) {
  const ControlTexts controls(codec.tokenizer);
  const Rendered rendered = render(codec, controls, record.messages, false, where);
  const std::vector<PlacedToken> tokens = tokenize(codec.tokenizer, controls, rendered, where);
  Sample sample;
  sample.line = record.line;
  sample.supervised = mask(codec.tokenizer, rendered.chat, tokens);
  sample.tokens.reserve(tokens.size());
  for (const PlacedToken& token : tokens) sample.tokens.push_back(token.id);
  const size_t whole = sample.tokens.size();
  const size_t learned = sample.n_supervised();
  if (max_length > 0 && whole > max_length) {
    sample.tokens.resize(max_length);
    sample.supervised.resize(max_length);
    sample.truncated = true;
  }
  // The first token has no predecessor to predict it from.
  if (!sample.supervised.empty()) sample.supervised[0] = 0;
  if (sample.n_supervised() > 0) return sample;
  if (learned > 0 && sample.truncated)
    fail(ErrorCode::kInvalidArgument,
         "{}: no supervised token is left: the answer begins beyond the limit of {} of {} tokens; raise "
         "--max-length or "
         "shorten the question",
         where, max_length, whole);
  fail(ErrorCode::kInvalidArgument,
       "{}: no supervised token: got a chat without an assistant answer; expected an assistant message with "
       "content",
       where);
}

std::vector<TokenId> encode_prompt(const ChatCodec& codec, const ordered_json& messages) {
  const ControlTexts controls(codec.tokenizer);
  std::vector<TokenId> out;
  for (const PlacedToken& token :
       tokenize(codec.tokenizer, controls, render(codec, controls, messages, true, ""), "chat"))
    out.push_back(token.id);
  return out;
}

}  // namespace hone
