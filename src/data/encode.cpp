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
      texts_.push_back(data.tokens[id]);
      starts_[static_cast<uint8_t>(data.tokens[id][0])] = true;
    }
  }

  // Bytes of the longest control text at text[at]; 0 when there is none.
  size_t length(std::string_view text, size_t at) const {
    size_t best = 0;
    if (!starts_[static_cast<uint8_t>(text[at])]) return best;
    for (const std::string_view token : texts_)
      if (token.size() > best && text.substr(at).starts_with(token)) best = token.size();
    return best;
  }

 private:
  std::vector<std::string_view> texts_;
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

struct Rendered {
  RenderedChat chat;
  // Empty, or chat.text with the control texts that came from messages overwritten.
  std::string neutral;
};

Rendered render(const ChatCodec& codec, const ControlTexts& controls, const ordered_json& messages,
                const RenderOptions& options, const std::string& where) {
  try {
    Rendered out{codec.chat_template.render(messages, options), {}};
    ordered_json neutral_messages = messages;
    if (neutralize(controls, neutral_messages)) {
      // A template that looks for such texts itself (to cut out a reasoning part) renders otherwise without
      // them; then they are its business, and are parsed.
      std::string text = codec.chat_template.render(neutral_messages, options).text;
      if (same_but_neutral(out.chat.text, text)) out.neutral = std::move(text);
    }
    return out;
  } catch (const Error& error) {
    if (where.empty()) throw;
    throw Error(error.code(), fmt::format("{}: {}", where, error.what()));
  }
}

std::vector<PlacedToken> tokenize(const Tokenizer& tokenizer, const Rendered& rendered) {
  const std::string& text = rendered.chat.text;
  const TokenizerData& data = tokenizer.data();
  // Control texts of the template become tokens; the same texts inside messages stay text.
  std::vector<PlacedToken> out =
      tokenizer.encode_placed(text, rendered.neutral.empty() ? text : rendered.neutral);
  const bool has_bos = data.bos >= 0 && static_cast<size_t>(data.bos) < data.tokens.size();
  if (has_bos && data.add_bos && !text.starts_with(data.tokens[static_cast<size_t>(data.bos)]))
    out.insert(out.begin(), {data.bos, 0, 0});
  return out;
}

// The tokens of each assistant span, and the end-of-turn token behind it (white space may stand between).
std::vector<uint8_t> mask(const Tokenizer& tokenizer, const RenderedChat& chat, size_t n_given,
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
    if (span.message < n_given) continue;
    HONE_CHECK(span.begin <= span.end && span.end <= chat.text.size(), "span {}..{} of {}", span.begin,
               span.end, chat.text.size());
    const auto first = std::partition_point(
        tokens.begin(), tokens.end(), [&](const PlacedToken& token) { return token.end <= span.begin; });
    auto i = static_cast<size_t>(first - tokens.begin());
    // A turn's token that has taken the answer's first white space.
    while (i < tokens.size() && tokens[i].begin < span.begin && tokenizer.is_control(tokens[i].id)) ++i;
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

size_t count_tool_calls(const ChatRecord& record) {
  size_t n = 0;
  for (size_t i = record.n_given; i < record.messages.size(); ++i) {
    const ordered_json& message = record.messages[i];
    const auto calls = message.find("tool_calls");
    n += calls != message.end() && calls->is_array() && !calls->empty() ? 1 : 0;
  }
  return n;
}

}  // namespace

size_t Sample::n_supervised() const noexcept {
  return static_cast<size_t>(std::count(supervised.begin(), supervised.end(), uint8_t{1}));
}

Sample encode_chat(const ChatCodec& codec, const ChatRecord& record, size_t max_length,
                   const std::string& where) {
  const ControlTexts controls(codec.tokenizer);
  const Rendered rendered =
      render(codec, controls, record.messages,
             {.add_generation_prompt = false, .tools = record.tools, .extra = {}}, where);
  const std::vector<PlacedToken> tokens = tokenize(codec.tokenizer, rendered);
  Sample sample;
  sample.line = record.line;
  sample.supervised = mask(codec.tokenizer, rendered.chat, record.n_given, tokens);
  sample.n_tool_calls = count_tool_calls(record);
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

std::vector<TokenId> encode_prompt(const ChatCodec& codec, const ordered_json& messages,
                                   const ordered_json& tools) {
  const ControlTexts controls(codec.tokenizer);
  const RenderOptions options{.add_generation_prompt = true, .tools = tools, .extra = {}};
  std::vector<TokenId> out;
  for (const PlacedToken& token : tokenize(codec.tokenizer, render(codec, controls, messages, options, "")))
    out.push_back(token.id);
  return out;
}

}  // namespace hone
