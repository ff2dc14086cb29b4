// The page's colours, light and dark, by the name of the style sheet's variable; and which of them lie on
// which, with the contrast that WCAG 2.1 AA asks for: 4.5 for text, 3 for lines and marks that carry meaning.
// The three series are told apart by shape and dash as well (style_figures.cpp).
#pragma once

#include <string_view>

namespace hone::layout {

struct Tone {
  std::string_view name, light, dark;  // "#rrggbb"
};
inline constexpr Tone kPalette[] = {
    {"page", "#ffffff", "#14171b"},      {"panel", "#f5f7f9", "#1d2127"},
    {"text", "#1b1f24", "#e4e7eb"},      {"muted", "#57606a", "#a3adb8"},
    {"line", "#d5dae0", "#363d46"},      {"faint", "#eceff2", "#262c33"},
    {"first", "#1d5fa6", "#74b2f2"},     {"first-soft", "#6d97c6", "#4b78a8"},
    {"second", "#a84a0b", "#f0a46e"},    {"second-soft", "#bd7d4f", "#a8703f"},
    {"take", "#e8f1fa", "#1b2c3f"},      {"warn", "#fdf3e3", "#332816"},
    {"warn-text", "#7a4b00", "#f0c27a"}, {"bad", "#b3261e", "#ff8a80"},
};

struct ContrastPair {
  std::string_view above, below;
  double least;
};
inline constexpr ContrastPair kContrasts[] = {
    {"text", "page", 4.5},        {"text", "panel", 4.5},  {"text", "take", 4.5},
    {"text", "warn", 4.5},        {"muted", "page", 4.5},  {"muted", "panel", 4.5},
    {"first", "page", 4.5},       {"first", "panel", 4.5}, {"first", "take", 4.5},
    {"second", "page", 4.5},      {"bad", "page", 4.5},    {"warn-text", "warn", 4.5},
    {"page", "text", 4.5},        {"page", "first", 4.5},  {"first-soft", "page", 3.0},
    {"second-soft", "page", 3.0}, {"muted", "take", 4.5},
};

}  // namespace hone::layout
