#include "runtime/text_stream.h"

#include <algorithm>

#include "base/clean_text.h"
#include "base/error.h"
#include "runtime/utf8.h"

namespace hone {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

// True when bytes, which do not form a whole character, may be the beginning of one.
bool may_become_character(std::string_view bytes) {
  if (bytes.empty() || bytes.size() > 3) return false;
  // Any valid tail will do: try the tails that the strictest second bytes need.
  for (const char* tail : {"\x80\x80\x80", "\xa0\x80\x80", "\x90\x80\x80"})
    if (utf8_sequence(std::string(bytes) + tail, 0) > bytes.size()) return true;
  return false;
}

}  // namespace

TextStream::TextStream(std::vector<std::string> stop) : stop_(std::move(stop)) {
  for (const std::string& s : stop_)
    if (s.empty()) fail(ErrorCode::kInvalidArgument, "generate: stop: got an empty string, expected text");
}

std::string TextStream::push(std::string_view bytes) {
  if (stopped_) return "";
  pending_ += bytes;
  size_t first = std::string::npos;
  for (const std::string& s : stop_) first = std::min(first, pending_.find(s));
  if (first != std::string::npos) {
    stopped_ = true;
    std::string out = take(first, true);
    pending_.clear();
    return out;
  }
  // Keep the longest end that a stop string begins with.
  size_t keep = 0;
  for (const std::string& s : stop_)
    for (size_t n = std::min(s.size() - 1, pending_.size()); n > keep; --n)
      if (std::string_view(pending_).ends_with(std::string_view(s).substr(0, n))) keep = n;
  return take(pending_.size() - keep, false);
}

std::string TextStream::finish() {
  return take(pending_.size(), true);
}

std::string TextStream::take(size_t n, bool last) {
  std::string out;
  const std::string_view text = std::string_view(pending_).substr(0, n);
  size_t i = 0;
  while (i < n) {
    const size_t length = utf8_sequence(text, i);
    if (length > 0) {
      out += text.substr(i, length);
      i += length;
    } else if (!last && may_become_character(text.substr(i))) {
      break;
    } else {
      out += kReplacement;
      i += next_code_point(text, i).bytes;
    }
  }
  pending_.erase(0, i);
  return out;
}

}  // namespace hone
