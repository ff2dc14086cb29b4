#include "data/tool_turns.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "data/tool_calls.h"

namespace hone {
namespace {

using nlohmann::ordered_json;

size_t trimmed_end(std::string_view text, size_t begin, size_t end) {
  while (end > begin && std::string_view(" \t\r\n").find(text[end - 1]) != std::string_view::npos) --end;
  return end;
}

// Looks for turns in one rendering of a chat.
class TurnFinder {
 public:
  TurnFinder(const ChatCodec& codec, const ordered_json& messages, const RenderOptions& options,
             const ReadChat& read)
      : codec_(codec), messages_(messages), options_(options), read_(read), text_(read.chat.text) {}

  ToolTurn find(size_t message) const;

 private:
  std::optional<std::string> render_first(size_t n, bool add_generation_prompt) const;
  std::optional<size_t> begin_of_answer(size_t n) const;
  bool holds_next(size_t message, std::string_view written) const;

  const ChatCodec& codec_;
  const ordered_json& messages_;
  const RenderOptions& options_;
  const ReadChat& read_;
  std::string_view text_;
};

// The first n messages as the template renders them alone; none when it refuses them.
std::optional<std::string> TurnFinder::render_first(size_t n, bool add_generation_prompt) const {
  const ordered_json::array_t first(messages_.begin(), messages_.begin() + static_cast<std::ptrdiff_t>(n));
  RenderOptions options = options_;
  options.add_generation_prompt = add_generation_prompt;
  try {
    return codec_.chat_template.render(first, options).text;
  } catch (const Error&) {
    return std::nullopt;
  }
}

// Where the answer to the first n messages begins: behind the prompt that a server would send. Templates of
// thinking models end it with the first mark of the thinking, which a call may not have: then behind what is
// common, up to a line or a control token.
std::optional<size_t> TurnFinder::begin_of_answer(size_t n) const {
  const std::optional<std::string> prompt = render_first(n, true);
  if (!prompt) return std::nullopt;
  if (text_.starts_with(*prompt)) return prompt->size();
  const std::optional<std::string> before = render_first(n, false);
  if (!before || !text_.starts_with(*before) || !prompt->starts_with(*before)) return std::nullopt;
  const auto differs = std::mismatch(text_.begin(), text_.end(), prompt->begin(), prompt->end()).first;
  const auto common = static_cast<size_t>(differs - text_.begin());
  size_t begin = before->size();
  if (const size_t line = text_.substr(0, common).rfind('\n'); line != std::string_view::npos)
    begin = std::max(begin, line + 1);
  for (const PlacedToken& token : read_.tokens)
    if (token.end <= common && codec_.tokenizer.is_control(token.id)) begin = std::max(begin, token.end);
  return begin == before->size() ? std::nullopt : std::optional(begin);
}

// True when the next message's text stands in what is taken for one turn.
bool TurnFinder::holds_next(size_t message, std::string_view written) const {
  if (message + 1 >= messages_.size()) return false;
  const ordered_json next = messages_[message + 1].value("content", ordered_json());
  return next.is_string() && next != "" &&
         written.find(next.get_ref<const std::string&>()) != std::string_view::npos;
}

ToolTurn TurnFinder::find(size_t message) const {
  ToolTurn turn{.message = message};
  const std::optional<size_t> begin = begin_of_answer(message);
  if (!begin) return turn;
  // It reaches to the next message, or, where the template writes this one otherwise when more follow, to the
  // first token that ends a turn.
  const std::optional<std::string> with = render_first(message + 1, false);
  const bool known = with && with->size() > *begin && text_.starts_with(*with);
  const size_t limit = known ? with->size() : text_.size();
  std::optional<size_t> end;
  for (const PlacedToken& token : read_.tokens) {
    if (token.begin < *begin || token.end > limit || !codec_.tokenizer.is_end_of_generation(token.id))
      continue;
    if (end) return turn;  // more than one turn
    end = token.end;
    if (!known) break;
  }
  if (!end && !known) return turn;
  turn.begin = *begin;
  turn.end = end ? *end : trimmed_end(text_, *begin, limit);
  turn.has_end = end.has_value();
  const std::string_view written = text_.substr(turn.begin, turn.end - turn.begin);
  turn.found = shows_calls(written, messages_[message]) && (known || !holds_next(message, written));
  return turn;
}

// Some templates list the tools before the last question, wherever that is: earlier messages, when they stand
// alone, are rendered in the same way only without tools. Finds turns there and takes them over.
class ToollessFinder {
 public:
  ToollessFinder(const ChatRenderer& renderer, const ordered_json& messages, const RenderOptions& options)
      : options_{.add_generation_prompt = options.add_generation_prompt, .tools = {}, .extra = options.extra},
        read_(renderer.read(messages, options_)),
        finder_(renderer.codec(), messages, options_, read_) {}

  // In `text`, behind `from`.
  ToolTurn find(size_t message, std::string_view text, size_t from) const {
    ToolTurn turn = finder_.find(message);
    if (!turn.found) return turn;
    const std::string_view written =
        std::string_view(read_.chat.text).substr(turn.begin, turn.end - turn.begin);
    turn.begin = text.find(written, from);
    turn.found = turn.begin != std::string_view::npos;
    turn.end = turn.begin + written.size();
    return turn;
  }

 private:
  // The finder refers to the others.
  const RenderOptions options_;
  const ReadChat read_;
  const TurnFinder finder_;
};

}  // namespace

std::vector<ToolTurn> find_tool_turns(const ChatRenderer& renderer, const ordered_json& messages,
                                      const RenderOptions& options, const ReadChat& read, size_t max_tokens) {
  // Each costs a rendering of all before it: there is an end to it with templates that show none.
  constexpr size_t kMostMissed = 32;
  const TurnFinder finder(renderer.codec(), messages, options, read);
  std::optional<ToollessFinder> toolless;
  const bool cut = max_tokens > 0 && read.tokens.size() > max_tokens;
  const size_t limit = cut ? read.tokens[max_tokens].begin : read.chat.text.size();
  std::vector<ToolTurn> out;
  size_t end = 0, missed = 0;
  for (size_t i = 0; i < messages.size() && end <= limit; ++i) {
    if (!calls_tools(messages[i])) continue;
    ToolTurn turn{.message = i};
    if (missed < kMostMissed) {
      turn = finder.find(i);
      if (!turn.found && !options.tools.is_null()) {
        if (!toolless) toolless.emplace(renderer, messages, options);
        turn = toolless->find(i, read.chat.text, end);
      }
    }
    missed = turn.found ? 0 : missed + 1;
    if (turn.found) end = turn.end;
    out.push_back(turn);
  }
  return out;
}

}  // namespace hone
