// Text for layout: HTML escaping, numbers as a reader wants them, terminal columns.
// No HTML structure here; html.cpp and its parts build on these.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clean_text.h"
#include "report/results.h"

namespace hone::layout {

inline constexpr std::string_view kAbsent = "\u2013";  // en dash: not measured, or not a finite number

// clean_text, then & < > " ' as entities: safe as element content and inside a quoted attribute.
std::string escape_html(std::string_view text);

// `decimals` digits after the point, U+2212 as minus, thin spaces from 10 000 on. Not finite: kAbsent.
std::string format_fixed(double value, int decimals);
// About `significant` digits, no exponent: "0.00461", "2.105", "2305". Tiny values print as "≈ 0".
std::string format_number(double value, int significant = 4);
std::string format_trimmed(double value, int significant = 4);  // as above, without trailing zeros
std::string format_count(uint64_t count);                       // 80 012
std::string format_bytes(uint64_t bytes);                       // 144.8 MB; kAbsent for 0
std::string format_seconds(double seconds);                     // 9 min 41 s
std::string format_percent(double share, int decimals);         // 0.996 -> 99.6 %

// A mean and its error with the same number of decimals; parts are kAbsent or empty when there is nothing to
// say.
struct MeasuredText {
  std::string value;  // "1.523"
  std::string error;  // "0.021", "" when not known
  std::string range;  // "1.48 to 1.56", "" when not known
  int decimals = 0;
};
MeasuredText format_measured(const Measured& measured, double scale = 1);

// Columns a terminal uses for `text`: 2 for wide characters, 0 for combining ones.
int display_width(std::string_view text);
// Cut to at most `columns`, with an ellipsis when something was cut.
std::string fit_columns(std::string_view text, int columns);

}  // namespace hone::layout
