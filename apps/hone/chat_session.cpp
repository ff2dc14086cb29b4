#include "chat_session.h"

#include <fmt/format.h>

#include <csignal>
#include <cstdlib>
#include <sstream>

#include "base/clean_text.h"
#include "base/error.h"
#include "base/progress.h"
#include "column_writer.h"
#include "last_words.h"
#include "models/store.h"
#include "report/text.h"
#include "terminal.h"

namespace hone::cli {
namespace {

constexpr int kColumnGap = 3, kLeastWidth = 100;

double rate(size_t tokens, double seconds) {
  return seconds > 0 ? static_cast<double>(tokens) / seconds : 0;
}

bool put(std::string_view text) {
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
}
void show(std::string_view text) {
  if (!put(text)) fail(ErrorCode::kIo, "stdout: cannot write the answer");
}

// Where lines are remembered; nowhere without a home.
std::filesystem::path history_file() {
  try {
    return model_store().parent_path() / "chat_history";
  } catch (const Error&) {
    return {};
  }
}

Json turn_json(const Turn& turn) {
  const GenerateResult& result = turn.result;
  return {{"text", result.text},
          {"finish", result.finish},
          {"prompt_tokens", result.prompt_tokens},
          {"reused_tokens", result.reused_tokens},
          {"tokens", result.tokens.size()},
          {"tok_s", result.decoded() > 0 ? Json(rate(result.decoded(), result.decode_seconds)) : Json()},
          {"prompt_tok_s", rate(result.prompt_tokens - result.reused_tokens, result.prompt_seconds)},
          {"context_tokens", turn.context_tokens},
          {"left_out_messages", turn.newly_left_out}};
}

}  // namespace

ChatSession::ChatSession(std::vector<VoiceSpec> specs, VoiceSettings settings, GenerateOptions options,
                         bool json)
    : specs_(std::move(specs)),
      settings_(std::move(settings)),
      options_(std::move(options)),
      json_(json),
      reader_(history_file()),
      turns_(specs_.size(), Json::array()) {
  check_voices(specs_, settings_);
  loading_ = std::async(std::launch::async, [this] { return load_voices(specs_, settings_); });
  if (!reader_.is_terminal()) voices();
}

Voices& ChatSession::voices() {
  if (loading_.valid()) {
    if (loading_.wait_for(std::chrono::milliseconds(200)) != std::future_status::ready &&
        reader_.is_terminal())
      note("loading …");
    voices_ = loading_.get();
  }
  return voices_;
}

void ChatSession::note(const std::string& text) const {
  const bool dim = reader_.is_terminal() && has_colours(STDERR_FILENO);
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (dim)
      fmt::print(stderr, "\033[2m{}\033[0m\n", single_line(line));
    else if (reader_.is_terminal())
      put_line(line);
    else
      say(line);
  }
}

void ChatSession::greet() const {
  if (!reader_.is_terminal()) return;
  note("/help lists the commands; Ctrl-C stops an answer, Ctrl-D ends.");
}

LineReader::Got ChatSession::read_block(std::string& message) {
  using Got = LineReader::Got;
  constexpr std::string_view kQuotes = "\"\"\"";
  std::string line;
  Got got = reader_.read("> ", line);
  if (got != Got::kLine) return got;
  if (line.starts_with(kQuotes)) {
    line.erase(0, kQuotes.size());
    while (!line.ends_with(kQuotes)) {
      message += line + "\n";
      if (got = reader_.read(". ", line); got != Got::kLine) return got;
    }
    line.resize(line.size() - kQuotes.size());
    message += line;
    return Got::kLine;
  }
  while (line.ends_with('\\')) {
    line.pop_back();
    message += line + "\n";
    if (got = reader_.read(". ", line); got != Got::kLine) return got;
  }
  message += line;
  return Got::kLine;
}

bool ChatSession::next_message(std::string& message) {
  for (;;) {
    message.clear();
    const LineReader::Got got = read_block(message);
    const bool blank = message.find_first_not_of(" \t\n") == std::string::npos;
    if (got == LineReader::Got::kCancelled) {
      note("(Ctrl-D or /quit ends)");
    } else if (got == LineReader::Got::kEnd && (blank || reader_.is_terminal())) {
      return false;
    } else if (!blank) {
      return true;
    }
  }
}

// The models may still be loading; nothing of them is wanted any more.
void ChatSession::leave() {
  if (reader_.is_terminal()) put("\n");
  if (loading_.valid() && loading_.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
    std::fflush(nullptr);
    std::_Exit(0);
  }
}

void ChatSession::run() {
  // At the prompt nobody asks for interrupted(): a request to end is one.
  if (reader_.is_terminal()) end_on_sigterm();
  greet();
  for (std::string message; !ended_ && next_message(message);) handle(message);
  if (!ended_) leave();
}

void ChatSession::handle(const std::string& message) {
  // What fails to load fails for good.
  const bool is_command = message.starts_with('/') && !message.starts_with("//");
  if (!is_command) voices();
  try {
    if (is_command) return run_chat_command(*this, message);
    ask(message.starts_with("//") ? message.substr(1) : message);
  } catch (const Error& error) {
    // A person can try something else; a script must not go on as if nothing were.
    if (!reader_.is_terminal() || error.code() == ErrorCode::kIo) throw;
    put_line(fmt::format("error: {}", error.what()));
  }
}

Turn ChatSession::answer(size_t i, const std::string& message,
                         const std::function<bool(std::string_view)>& on_text) {
  Voice& voice = *voices_[i];
  voice.activate();
  GenerateOptions options = options_;
  options.sampling.seed += n_answers_;  // asked again, it may answer otherwise
  Turn turn = voice.conversation().reply(message, options, on_text);
  turns_[i].push_back(turn_json(turn));
  return turn;
}

std::string ChatSession::turn_text(size_t i, const Turn& turn) const {
  const size_t context = voices_[i]->conversation().context();
  const GenerateResult& result = turn.result;
  std::string text = fmt::format("{} tokens", result.tokens.size());
  if (result.decoded() > 0)
    text += fmt::format(", {:.1f} tokens/s", rate(result.decoded(), result.decode_seconds));
  text += fmt::format("; {} of {} prompt tokens run", result.prompt_tokens - result.reused_tokens,
                      result.prompt_tokens);
  if (result.finish == "cancelled") text = "stopped";
  if (turn.newly_left_out > 0)
    text += fmt::format("\ncontext of {} tokens full: the {} oldest messages are left out from here on",
                        context, turn.newly_left_out);
  if (result.finish == "length" && turn.context_tokens >= context)
    text += fmt::format(
        "\nthe answer ends where the context of {} tokens is full; the next message leaves the "
        "oldest out (/reset forgets all)",
        context);
  else if (result.finish == "length")
    text += fmt::format("\nthe answer ends after {} tokens (/set max-tokens N)", options_.max_tokens);
  return text;
}

void ChatSession::ask_one(size_t i, const std::string& message) {
  std::function<bool(std::string_view)> on_text;
  if (!json_)
    on_text = [&](std::string_view text) {
      return put(reader_.is_terminal() ? clean_text(text) : std::string(text));
    };
  const Turn turn = answer(i, message, on_text);
  if (!json_) show("\n");
  note(turn_text(i, turn));
}

void ChatSession::ask_both(const std::string& message) {
  for (size_t i = 0; i < voices_.size(); ++i) {
    if (!json_) show(fmt::format("== {} ==\n", voices_[i]->name()));
    ask_one(i, message);
  }
}

// Both stream: the second goes back up beside the first, as long as that is still on the screen.
void ChatSession::ask_in_columns(const std::string& message) {
  const TerminalSize size = terminal_size();
  const int width = (size.columns - kColumnGap) / 2, right = width + kColumnGap;
  const auto heading = [&](size_t i) { return layout::fit_columns(voices_[i]->name(), width); };
  show(fmt::format("\033[1m{}\033[{}G{}\033[0m\n", heading(0), right + 1, heading(1)));
  ColumnWriter left(0, width), beside(right, width), under(0, size.columns);
  const auto into = [](ColumnWriter& column) {
    return [&column](std::string_view text) { return put(column.push(text)); };
  };
  const Turn first = answer(0, message, into(left));
  show(left.finish());
  const bool fits = left.rows() < size.rows - 2;
  if (fits) {
    if (left.rows() > 1) show(fmt::format("\033[{}A", left.rows() - 1));
    show(fmt::format("\033[{}G", right + 1));
  } else {
    show(fmt::format("\n\033[1m{}\033[0m\n", heading(1)));
  }
  ColumnWriter& second_column = fits ? beside : under;
  const Turn second = answer(1, message, into(second_column));
  show(second_column.finish());
  if (fits && left.rows() > beside.rows()) show(fmt::format("\033[{}B", left.rows() - beside.rows()));
  show("\n");
  note(fmt::format("{}: {}", voices_[0]->name(), turn_text(0, first)));
  note(fmt::format("{}: {}", voices_[1]->name(), turn_text(1, second)));
}

void ChatSession::ask(const std::string& message) {
  voices();
  const bool columns =
      voices_.size() == 2 && !json_ && reader_.is_terminal() && terminal_size().columns >= kLeastWidth;
  if (columns) {
    ask_in_columns(message);
  } else if (voices_.size() == 2) {
    ask_both(message);
  } else {
    ask_one(0, message);
  }
  ++n_answers_;
}

Json ChatSession::result() {
  Json json = {{"voices", Json::array()}};
  for (size_t i = 0; i < voices().size(); ++i)
    json["voices"].push_back({{"name", voices_[i]->name()},
                              {"context", voices_[i]->conversation().context()},
                              {"turns", turns_[i]},
                              {"messages", voices_[i]->conversation().messages()}});
  return json;
}

}  // namespace hone::cli
