// Messages -> tokens and loss mask. The mask comes from the byte ranges that the template reports, never from
// differences of prefixes (templates inject turns); but turns that call tools, of which it reports none, are
// found by prefixes, each checked to be one (tool_turns.h).
#include <algorithm>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "data/chat_renderer.h"
#include "data/dataset.h"
#include "data/tool_calls.h"
#include "data/tool_turns.h"

namespace hone {
namespace {

using nlohmann::ordered_json;

struct Encoded {
  ReadChat read;
  std::vector<ToolTurn> tool_turns;

  size_t n_found() const {
    return static_cast<size_t>(
        std::count_if(tool_turns.begin(), tool_turns.end(), [](const ToolTurn& turn) { return turn.found; }));
  }
};

// In the first form of its tool calls in which the template shows all of them, or else most. `max_tokens` are
// looked at, 0: all. Errors of the template begin with `where`, unless that is empty.
Encoded encode_messages(const ChatRenderer& renderer, const ordered_json& messages,
                        const RenderOptions& options, size_t max_tokens, const std::string& where) {
  std::optional<Encoded> best;
  std::optional<Error> refused;
  for (const ordered_json& form : tool_call_forms(messages, where)) {
    try {
      Encoded encoded{.read = renderer.read(form, options), .tool_turns = {}};
      encoded.tool_turns = find_tool_turns(renderer, form, options, encoded.read, max_tokens);
      if (!best || encoded.n_found() > best->n_found()) best = std::move(encoded);
      if (best->n_found() == best->tool_turns.size()) break;
    } catch (const Error& error) {
      if (!refused) refused = error;
    }
  }
  if (best) return std::move(*best);
  if (where.empty()) throw *refused;
  throw Error(refused->code(), fmt::format("{}: {}", where, refused->what()));
}

// A stretch of text that is learned, and, unless it has its own, the end-of-turn token behind it (white space
// may stand between).
struct Learned {
  size_t begin, end;
  bool has_end;
};

std::vector<Learned> learned_ranges(const Encoded& encoded, size_t n_given) {
  std::vector<Learned> out;
  const auto is_whole = [&](size_t message) {
    return std::any_of(encoded.tool_turns.begin(), encoded.tool_turns.end(),
                       [&](const ToolTurn& turn) { return turn.found && turn.message == message; });
  };
  for (const RenderedChat::Span& span : encoded.read.chat.assistant)
    if (span.message >= n_given && !is_whole(span.message))
      out.push_back({.begin = span.begin, .end = span.end, .has_end = false});
  for (const ToolTurn& turn : encoded.tool_turns)
    if (turn.found && turn.message >= n_given)
      out.push_back({.begin = turn.begin, .end = turn.end, .has_end = turn.has_end});
  return out;
}

std::vector<uint8_t> mask(const Tokenizer& tokenizer, const Encoded& encoded, size_t n_given) {
  const std::string& text = encoded.read.chat.text;
  const std::vector<PlacedToken>& tokens = encoded.read.tokens;
  const auto is_space = [&](const PlacedToken& token, size_t from) {
    const std::string_view bytes = std::string_view(text).substr(from, token.end - from);
    return bytes.find_first_not_of(" \t\r\n") == std::string_view::npos;
  };
  const auto ends_turn = [&](TokenId id) {
    return tokenizer.is_end_of_generation(id) || (tokenizer.is_control(id) && id != tokenizer.data().bos);
  };
  std::vector<uint8_t> supervised(tokens.size(), 0);
  for (const Learned& range : learned_ranges(encoded, n_given)) {
    HONE_CHECK(range.begin <= range.end && range.end <= text.size(), "range {}..{} of {}", range.begin,
               range.end, text.size());
    const auto first = std::partition_point(
        tokens.begin(), tokens.end(), [&](const PlacedToken& token) { return token.end <= range.begin; });
    auto i = static_cast<size_t>(first - tokens.begin());
    // A turn's token that has taken the answer's first white space.
    while (i < tokens.size() && tokens[i].begin < range.begin && tokenizer.is_control(tokens[i].id)) ++i;
    bool bare = true;  // nothing but white space since the range
    for (; i < tokens.size() && tokens[i].begin < range.end; ++i) {
      supervised[i] = 1;
      bare = tokens[i].end <= range.end || is_space(tokens[i], range.end);
    }
    if (range.has_end || !bare || range.begin == range.end) continue;
    while (i < tokens.size() && !tokenizer.is_control(tokens[i].id) && is_space(tokens[i], tokens[i].begin))
      ++i;
    if (i < tokens.size() && ends_turn(tokens[i].id)) supervised[i] = 1;
  }
  return supervised;
}

// Of what would be learned.
size_t count_unseen_calls(const Encoded& encoded, size_t n_given) {
  return static_cast<size_t>(
      std::count_if(encoded.tool_turns.begin(), encoded.tool_turns.end(),
                    [&](const ToolTurn& turn) { return turn.message >= n_given && !turn.found; }));
}

}  // namespace

size_t Sample::n_supervised() const noexcept {
  return static_cast<size_t>(std::count(supervised.begin(), supervised.end(), uint8_t{1}));
}

Sample encode_chat(const ChatCodec& codec, const ChatRecord& record, size_t max_length,
                   const std::string& where) {
  return encode_chat(ChatRenderer(codec), record, max_length, where);
}

Sample encode_chat(const ChatRenderer& renderer, const ChatRecord& record, size_t max_length,
                   const std::string& where) {
  const Encoded encoded = encode_messages(
      renderer, record.messages, {.add_generation_prompt = false, .tools = record.tools, .extra = {}},
      max_length, where);
  Sample sample;
  sample.line = record.line;
  sample.supervised = mask(renderer.codec().tokenizer, encoded, record.n_given);
  sample.n_unseen_calls = count_unseen_calls(encoded, record.n_given);
  sample.tokens.reserve(encoded.read.tokens.size());
  for (const PlacedToken& token : encoded.read.tokens) sample.tokens.push_back(token.id);
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
  const RenderOptions options{.add_generation_prompt = true, .tools = tools, .extra = {}};
  std::vector<TokenId> out;
  for (const PlacedToken& token : encode_messages(ChatRenderer(codec), messages, options, 0, "").read.tokens)
    out.push_back(token.id);
  return out;
}

}  // namespace hone
