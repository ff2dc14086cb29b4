// Numbers, sizes and times as text. Anything that is not finite is kAbsent, so no "nan" reaches a reader.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/text.h"

namespace hone::layout {
namespace {

constexpr std::string_view kThin = "\u202F";  // narrow no-break space, groups digits
constexpr std::string_view kNoBreak = "\u00A0";
constexpr int kMaxDecimals = 7;

// 0 for 1…9.99, 1 for 10…99.9, −2 for 0.01.
int magnitude(double value) {
  return value == 0 ? 0 : static_cast<int>(std::floor(std::log10(std::fabs(value))));
}

std::string group_digits(std::string digits) {
  const size_t point = std::min(digits.find('.'), digits.size());
  if (point < 5) return digits;  // four digits read well without a gap
  for (size_t at = point; at > 3; at -= 3) digits.insert(at - 3, kThin);
  return digits;
}

int clamp_decimals(int decimals) {
  return std::clamp(decimals, 0, kMaxDecimals);
}

}  // namespace

std::string format_fixed(double value, int decimals) {
  if (!std::isfinite(value)) return std::string(kAbsent);
  if (std::fabs(value) >= 1e15) return fmt::format("{:.3g}", value);
  const std::string digits = fmt::format("{:.{}f}", std::fabs(value), clamp_decimals(decimals));
  const bool zero = digits.find_first_not_of("0.") == std::string::npos;
  return (value < 0 && !zero ? "\u2212" : "") + group_digits(digits);
}

std::string format_number(double value, int significant) {
  if (!std::isfinite(value)) return std::string(kAbsent);
  if (value == 0) return "0";
  if (std::fabs(value) < 1e-6) return "\u2248" + std::string(kNoBreak) + "0";
  return format_fixed(value, significant - 1 - magnitude(value));
}

std::string format_trimmed(double value, int significant) {
  std::string text = format_number(value, significant);
  if (text.find('.') == std::string::npos) return text;
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

std::string format_count(uint64_t count) {
  return group_digits(std::to_string(count));
}

std::string format_bytes(uint64_t bytes) {
  if (bytes == 0) return std::string(kAbsent);
  const double value = static_cast<double>(bytes);
  if (value < 1e3) return fmt::format("{}{}B", bytes, kNoBreak);
  if (value < 1e6) return fmt::format("{}{}kB", format_number(value / 1e3, 3), kNoBreak);
  if (value < 1e9) return fmt::format("{}{}MB", format_fixed(value / 1e6, 1), kNoBreak);
  return fmt::format("{}{}GB", format_fixed(value / 1e9, 2), kNoBreak);
}

std::string format_seconds(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0 || seconds > 1e12) return std::string(kAbsent);
  if (seconds < 10) return fmt::format("{:.1f}{}s", seconds, kNoBreak);
  const auto whole = static_cast<uint64_t>(std::llround(seconds));
  if (whole < 60) return fmt::format("{}{}s", whole, kNoBreak);
  if (whole < 3600) return fmt::format("{0}{2}min {1:02}{2}s", whole / 60, whole % 60, kNoBreak);
  return fmt::format("{0}{2}h {1:02}{2}min", whole / 3600, whole / 60 % 60, kNoBreak);
}

std::string format_percent(double share, int decimals) {
  if (!std::isfinite(share)) return std::string(kAbsent);
  return format_fixed(share * 100, decimals) + std::string(kNoBreak) + "%";
}

MeasuredText format_measured(const Measured& measured, double scale) {
  const double value = measured.value * scale;
  const double error = measured.stderr_ * scale;
  MeasuredText text;
  text.value = format_number(value);
  if (!std::isfinite(value)) return text;
  const bool has_error = std::isfinite(error) && error > 0;
  text.decimals = clamp_decimals(3 - magnitude(value));
  if (has_error) {
    // Two digits of the error, but not more than four of the value (three below 1): 2.105 ± 0.021.
    const int by_value = value == 0 ? kMaxDecimals : (std::fabs(value) < 1 ? 2 : 3) - magnitude(value);
    text.decimals = clamp_decimals(std::min(1 - magnitude(error), by_value));
    text.value = format_fixed(value, text.decimals);
    const double unit = std::pow(10.0, -text.decimals);
    text.error =
        error < unit / 2 ? "<" + format_fixed(unit, text.decimals) : format_fixed(error, text.decimals);
  }
  const double low = measured.low * scale;
  const double high = measured.high * scale;
  if (std::isfinite(low) && std::isfinite(high) && high > low) {
    text.range = format_fixed(low, text.decimals) + " to " + format_fixed(high, text.decimals);
  }
  return text;
}

}  // namespace hone::layout
