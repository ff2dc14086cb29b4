// The commands of `hone chat`: one line each in a table.
#include <fmt/format.h>

#include "base/atomic_file.h"
#include "base/error.h"
#include "chat_session.h"
#include "generation_options.h"
#include "pipeline/suggest.h"

namespace hone::cli {
namespace {

struct ChatCommand {
  std::string_view name, argument, help;
  void (*run)(ChatSession& session, const std::string& argument);
};
std::span<const ChatCommand> chat_commands();

void need(const std::string& argument, const char* command, const char* what) {
  if (argument.empty())
    fail(ErrorCode::kInvalidArgument, "/{}: got nothing, expected {}; see /help", command, what);
}

void help(ChatSession& session, const std::string&) {
  std::string text;
  for (const ChatCommand& command : chat_commands())
    text += fmt::format("  {:<18} {}\n", fmt::format("/{} {}", command.name, command.argument), command.help);
  text +=
      "  A line that ends with \\ goes on in the next; \"\"\" begins and ends a text of several lines.\n"
      "  // at the start sends a message that begins with /. Ctrl-C stops an answer, Ctrl-D ends.";
  session.note(text);
}

void system(ChatSession& session, const std::string& argument) {
  if (argument.empty()) {
    const std::string now = session.voices()[0]->conversation().system();
    return session.note(now.empty() ? "no system message" : now);
  }
  for (auto& voice : session.voices()) voice->conversation().set_system(argument == "off" ? "" : argument);
}

// One chat a line, as training reads them.
void save(ChatSession& session, const std::string& argument) {
  need(argument, "save", "a file");
  std::string lines;
  for (auto& voice : session.voices()) {
    const Json chat = {{"messages", voice->conversation().messages()}, {"model", voice->name()}};
    lines += chat.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  }
  write_file(argument, lines);
  session.note(fmt::format("saved to {}", argument));
}

void load(ChatSession& session, const std::string& argument) {
  need(argument, "load", "a file");
  const std::vector<ChatRecord> chats = read_chats(argument);
  Voices& voices = session.voices();
  if (chats.size() != 1 && chats.size() != voices.size())
    fail(ErrorCode::kInvalidArgument, "{}: got {} chats, expected one{}", argument, chats.size(),
         voices.size() > 1 ? " or one for each model" : "");
  for (size_t i = 0; i < voices.size(); ++i)
    voices[i]->conversation().set_messages(chats[chats.size() == 1 ? 0 : i].messages);
  session.note(fmt::format("{} messages from {}", chats[0].messages.size(), argument));
}

void reset(ChatSession& session, const std::string&) {
  for (auto& voice : session.voices()) voice->conversation().reset();
  session.note("the conversation starts anew");
}

std::string take_back(ChatSession& session, const char* command) {
  std::string message;
  for (auto& voice : session.voices()) message = voice->conversation().undo();
  if (message.empty()) fail(ErrorCode::kInvalidArgument, "/{}: there is no message yet", command);
  return message;
}

void undo(ChatSession& session, const std::string&) {
  session.note(fmt::format("taken back: {}", take_back(session, "undo")));
}

void retry(ChatSession& session, const std::string&) {
  session.ask(take_back(session, "retry"));
}

std::string settings_text(CLI::App& app) {
  std::string text;
  for (CLI::Option* option : app.get_options()) {
    if (option->get_lnames().empty() || option->get_lnames()[0] == "help") continue;
    option->capture_default_str();
    const std::string value = option->get_default_str();
    text += fmt::format("{}  {:<15} {}", text.empty() ? "" : "\n", option->get_lnames()[0],
                        value.empty() || value == "[]" ? "–" : value);
  }
  return text;
}

void set(ChatSession& session, const std::string& argument) {
  GenerateOptions options = session.options();
  CLI::App app;
  declare_generation(app, options);
  app.add_option("--seed", options.sampling.seed, "")->check(CLI::Range(uint64_t{0}, uint64_t{INT64_MAX}));
  if (argument.empty()) return session.note(settings_text(app));
  const size_t space = argument.find(' ');
  const std::string name = argument.substr(0, space);
  const std::string value =
      space == std::string::npos ? "" : argument.substr(argument.find_first_not_of(' ', space));
  std::vector<std::string> known;
  for (const CLI::Option* option : app.get_options())
    if (!option->get_lnames().empty() && option->get_lnames()[0] != "help")
      known.push_back(option->get_lnames()[0]);
  if (std::find(known.begin(), known.end(), name) == known.end())
    fail(ErrorCode::kInvalidArgument, "/set: unknown setting \"{}\"{}", name, suggestion(name, known));
  need(value, "set", "a name and a value: /set temperature 0.5");
  try {
    app.parse(std::vector<std::string>{"--" + name + "=" + value});
  } catch (const CLI::ParseError& error) {
    fail(ErrorCode::kInvalidArgument, "/set: {}", error.what());
  }
  validate(options.sampling);
  session.options() = options;
}

void quit(ChatSession& session, const std::string&) {
  session.end();
}

std::span<const ChatCommand> chat_commands() {
  static constexpr ChatCommand kCommands[] = {
      {"help", "", "this list", help},
      {"system", "TEXT", "another system message (\"off\": none); without TEXT shows it", system},
      {"set", "NAME VALUE", "temperature, top-k, max-tokens …; without arguments shows all", set},
      {"retry", "", "answer the last message again", retry},
      {"undo", "", "take the last message and its answer back", undo},
      {"reset", "", "forget all but the system message", reset},
      {"save", "FILE", "the conversation as a line of JSON, as `hone tune` reads", save},
      {"load", "FILE", "go on with a saved conversation", load},
      {"quit", "", "end (also /exit, Ctrl-D)", quit},
  };
  return kCommands;
}

}  // namespace

void run_chat_command(ChatSession& session, const std::string& message) {
  const size_t space = message.find_first_of(" \n");
  std::string name = message.substr(1, space == std::string::npos ? space : space - 1);
  if (name == "exit") name = "quit";
  const size_t begin = message.find_first_not_of(" \n", space);
  const std::string argument =
      space == std::string::npos || begin == std::string::npos ? "" : message.substr(begin);
  std::vector<std::string> known;
  for (const ChatCommand& command : chat_commands()) {
    known.emplace_back(command.name);
    if (command.name == name) return command.run(session, argument);
  }
  fail(ErrorCode::kInvalidArgument, "unknown command \"/{}\"{}", name, suggestion(name, known));
}

}  // namespace hone::cli
