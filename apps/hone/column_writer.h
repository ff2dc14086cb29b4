// Text that streams into one column of a terminal, broken between words.
#pragma once

#include <string>
#include <string_view>

namespace hone::cli {

class ColumnWriter {
 public:
  // Columns [left, left + width) of the terminal; the cursor stands at `left` of the first row.
  ColumnWriter(int left, int width) : left_(left), width_(width) {}

  // What to send to the terminal for more text. A word is held back until it is known where it ends.
  std::string push(std::string_view text);
  // The rest.
  std::string finish();
  int rows() const noexcept { return row_ + 1; }

 private:
  void end_word(std::string& out);
  void new_line(std::string& out);

  int left_, width_;
  int row_ = 0, column_ = 0, spaces_ = 0;
  std::string word_;
};

}  // namespace hone::cli
