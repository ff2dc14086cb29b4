// Text that leaves piece by piece: held back while it may still become a stop string or an incomplete UTF-8
// character.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hone {

class TextStream {
 public:
  // Throws kInvalidArgument for an empty stop string.
  explicit TextStream(std::vector<std::string> stop);

  // Takes a token's bytes; returns what is certain now. After a stop string was found, stopped() is true, and
  // the text before it has been returned.
  std::string push(std::string_view bytes);
  // The end: everything held back. Each malformed sequence became U+FFFD, the beginning of a character one
  // for all its bytes (base/clean_text.h), as in the texts of transformers.
  std::string finish();
  bool stopped() const noexcept { return stopped_; }

 private:
  // Moves the first n pending bytes out as valid UTF-8; an incomplete character at their end stays unless
  // `last`.
  std::string take(size_t n, bool last);

  std::vector<std::string> stop_;
  std::string pending_;
  bool stopped_ = false;
};

}  // namespace hone
