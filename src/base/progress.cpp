#include "base/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/clean_text.h"

namespace hone {
namespace {

bool g_quiet = false;

std::string duration(double seconds) {
  const auto s = std::lround(seconds);
  if (s < 60) return fmt::format("{}s", s);
  return fmt::format("{}m{:02}s", s / 60, s % 60);
}

std::string rate_text(double rate) {
  return rate >= 100 ? fmt::format("{:.0f}", rate) : fmt::format("{:.1f}", rate);
}

}  // namespace

Progress::Progress(std::string label, size_t total, std::string unit)
    : label_(std::move(label)),
      unit_(std::move(unit)),
      total_(total),
      start_(std::chrono::steady_clock::now()),
      last_(start_) {}

Progress::~Progress() {
  if (!finished_ && drawn_ && ::isatty(STDERR_FILENO) == 1) std::fputc('\n', stderr);
}

void Progress::update(size_t done, const std::string& note) {
  done_ = done;
  if (!note.empty()) note_ = note;
  const auto now = std::chrono::steady_clock::now();
  const auto pause =
      ::isatty(STDERR_FILENO) == 1 ? std::chrono::milliseconds(100) : std::chrono::milliseconds(10000);
  if (now - last_ < pause) return;
  last_ = now;
  draw(false);
}

void Progress::finish(const std::string& note) {
  if (finished_) return;
  if (!note.empty()) note_ = note;
  done_ = total_;
  draw(true);
  finished_ = true;
}

void Progress::draw(bool last) {
  if (g_quiet) return;
  drawn_ = true;
  const bool terminal = ::isatty(STDERR_FILENO) == 1;
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  const double rate = seconds > 0 ? static_cast<double>(done_) / seconds : 0;
  const double share = total_ > 0 ? static_cast<double>(done_) / static_cast<double>(total_) : 1;
  const std::string label = single_line(label_);
  std::string line;
  if (terminal) {
    constexpr int kWidth = 24;
    const int filled = std::clamp(static_cast<int>(share * kWidth), 0, kWidth);
    line = fmt::format("\r\033[K{:<18} [{}{}] {:3.0f}%", label, std::string(static_cast<size_t>(filled), '#'),
                       std::string(static_cast<size_t>(kWidth - filled), '.'), share * 100);
  } else {
    line = fmt::format("{}: {:.0f}%", label, share * 100);
  }
  line += fmt::format("  {} {}/s", rate_text(rate), unit_);
  if (last) {
    line += fmt::format("  in {}", duration(seconds));
  } else if (done_ > 0 && total_ > done_) {
    line += fmt::format("  {} left",
                        duration(seconds / static_cast<double>(done_) * static_cast<double>(total_ - done_)));
  }
  if (!note_.empty()) line += "  " + single_line(note_);
  if (!terminal || last) line += '\n';
  std::fputs(line.c_str(), stderr);
  std::fflush(stderr);
}

void Progress::set_quiet(bool quiet) noexcept {
  g_quiet = quiet;
}

void put_line(std::string_view text) {
  const std::string line = single_line(text) + '\n';
  std::fputs(line.c_str(), stderr);
}

void say(std::string_view message) {
  if (!g_quiet) put_line(message);
}

}  // namespace hone
