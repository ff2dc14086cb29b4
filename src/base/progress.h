// Progress of work that takes more than a moment: a bar with rate and time left on a terminal, a plain line
// every few seconds otherwise. All of it goes to stderr; quiet() silences it.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

namespace hone {

class Progress {
 public:
  // unit: what is counted, for the rate ("tok", "tensors").
  Progress(std::string label, size_t total, std::string unit);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // note: a short text shown behind the bar ("loss 1.234").
  void update(size_t done, const std::string& note = {});
  void finish(const std::string& note = {});

  static void set_quiet(bool quiet) noexcept;

 private:
  void draw(bool last);

  std::string label_, unit_, note_;
  size_t total_, done_ = 0;
  bool finished_ = false, drawn_ = false;
  std::chrono::steady_clock::time_point start_, last_;
};

// One line to a person on stderr, whatever quiet() says. Messages hold text out of files, and a terminal
// obeys some of it: everything that goes to stderr comes through here or is a single_line() (clean_text.h).
void put_line(std::string_view text);
// The same, but nothing when quiet.
void say(std::string_view message);

}  // namespace hone
