// Lines from a person, with editing and history (libedit), or from a pipe as they come.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

namespace hone::cli {

class LineReader {
 public:
  enum class Got { kLine, kCancelled /* Ctrl-C */, kEnd /* Ctrl-D, end of the pipe */ };

  // Edits when stdin and stdout are a terminal. History is read from and kept in this file
  // (empty: in none).
  explicit LineReader(std::filesystem::path history);
  ~LineReader();
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  bool is_terminal() const noexcept { return editor_ != nullptr; }
  Got read(const std::string& prompt, std::string& line);

 private:
  struct Editor;
  std::unique_ptr<Editor> editor_;
};

}  // namespace hone::cli
