// What `hone chat` holds while it runs, shared by the loop and its commands.
#pragma once

#include <future>
#include <string>

#include "chat_voices.h"
#include "command.h"
#include "line_reader.h"

namespace hone::cli {

class ChatSession {
 public:
  // Loads the models meanwhile: the first message can be typed at once.
  ChatSession(std::vector<VoiceSpec> specs, VoiceSettings settings, GenerateOptions options, bool json);

  // Reads messages and commands until the input ends.
  void run();
  Json result();

  // For the commands.
  Voices& voices();  // waits for them
  GenerateOptions& options() noexcept { return options_; }
  void ask(const std::string& message);
  void end() noexcept { ended_ = true; }
  // A remark to the person.
  void note(const std::string& text) const;

 private:
  void greet() const;
  bool next_message(std::string& message);
  LineReader::Got read_block(std::string& message);
  void handle(const std::string& message);
  void leave();
  Turn answer(size_t i, const std::string& message, const std::function<bool(std::string_view)>& on_text);
  void ask_one(size_t i, const std::string& message);
  void ask_both(const std::string& message);
  void ask_in_columns(const std::string& message);
  std::string turn_text(size_t i, const Turn& turn) const;

  std::vector<VoiceSpec> specs_;
  VoiceSettings settings_;
  GenerateOptions options_;
  bool json_, ended_ = false;
  uint64_t n_answers_ = 0;
  LineReader reader_;
  std::future<Voices> loading_;
  Voices voices_;
  std::vector<Json> turns_;  // by voice
};

// "/help" and the others; message begins with '/'. Throws kInvalidArgument for unknown ones and bad
// arguments.
void run_chat_command(ChatSession& session, const std::string& message);

}  // namespace hone::cli
