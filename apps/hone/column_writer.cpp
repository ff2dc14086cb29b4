#include "column_writer.h"

#include <fmt/format.h>

#include "report/text.h"

namespace hone::cli {

void ColumnWriter::new_line(std::string& out) {
  out += '\n';
  if (left_ > 0) out += fmt::format("\033[{}G", left_ + 1);
  ++row_;
  column_ = spaces_ = 0;
}

void ColumnWriter::end_word(std::string& out) {
  if (word_.empty()) return;
  if (column_ > 0 && column_ + spaces_ + layout::display_width(word_) > width_) new_line(out);
  out += std::string(static_cast<size_t>(spaces_), ' ');
  column_ += spaces_;
  spaces_ = 0;
  // A word wider than the column is cut, a character at a time.
  for (size_t at = 0; at < word_.size();) {
    size_t end = at + 1;
    while (end < word_.size() && (static_cast<unsigned char>(word_[end]) & 0xc0u) == 0x80u) ++end;
    const std::string character = word_.substr(at, end - at);
    const int wide = layout::display_width(character);
    if (column_ + wide > width_) new_line(out);
    out += character;
    column_ += wide;
    at = end;
  }
  word_.clear();
}

std::string ColumnWriter::push(std::string_view text) {
  std::string out;
  for (const char c : clean_text(text)) {
    if (c != ' ' && c != '\n' && c != '\t') {
      word_ += c;
      continue;
    }
    end_word(out);
    if (c == '\n') {
      new_line(out);
    } else if (column_ + spaces_ < width_) {
      ++spaces_;
    }
  }
  return out;
}

std::string ColumnWriter::finish() {
  std::string out;
  end_word(out);
  return out;
}

}  // namespace hone::cli
