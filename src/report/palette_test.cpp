// Contrast of the page's colours by WCAG 2.1, and that the series stay apart for the colour-blind.
#include "report/palette.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "report/style.h"

namespace hone::layout {
namespace {

using Rgb = std::array<double, 3>;  // linear light, 0 to 1

Rgb linear(std::string_view hex) {
  Rgb out{};
  for (size_t i = 0; i < 3; ++i) {
    const double c = std::stoi(std::string(hex.substr(1 + 2 * i, 2)), nullptr, 16) / 255.0;
    out[i] = c <= 0.04045 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4);
  }
  return out;
}

double luminance(const Rgb& c) {
  return 0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2];
}

double contrast(std::string_view a, std::string_view b) {
  const double x = luminance(linear(a)), y = luminance(linear(b));
  return (std::max(x, y) + 0.05) / (std::min(x, y) + 0.05);
}

const Tone& tone(std::string_view name) {
  const auto found =
      std::find_if(std::begin(kPalette), std::end(kPalette), [&](const Tone& t) { return t.name == name; });
  EXPECT_NE(found, std::end(kPalette)) << name;
  return *found;
}

// CIE L*a*b* under D65.
Rgb lab(const Rgb& c) {
  const auto f = [](double t) { return t > 0.008856 ? std::cbrt(t) : 7.787 * t + 16.0 / 116; };
  const double x = f((0.4124 * c[0] + 0.3576 * c[1] + 0.1805 * c[2]) / 0.9505);
  const double y = f(luminance(c));
  const double z = f((0.0193 * c[0] + 0.1192 * c[1] + 0.9505 * c[2]) / 1.089);
  return {116 * y - 16, 500 * (x - y), 200 * (y - z)};
}

// Full deficiency, linear light: Machado, Oliveira and Fernandes 2009, severity 1.
constexpr double kDeficiencies[3][3][3] = {
    {{0.152286, 1.052583, -0.204868}, {0.114503, 0.786281, 0.099216}, {-0.003882, -0.048116, 1.051998}},
    {{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881}},
    {{1.255528, -0.076749, -0.178779}, {-0.078411, 0.930809, 0.147602}, {0.004733, 0.691367, 0.303900}}};

Rgb seen(const double (&matrix)[3][3], const Rgb& c) {
  Rgb out{};
  for (size_t i = 0; i < 3; ++i)
    out[i] = std::clamp(matrix[i][0] * c[0] + matrix[i][1] * c[1] + matrix[i][2] * c[2], 0.0, 1.0);
  return out;
}

double distance(const Rgb& a, const Rgb& b) {
  return std::hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

TEST(Palette, TheMeasureItself) {
  EXPECT_NEAR(contrast("#000000", "#ffffff"), 21, 1e-9);
  EXPECT_NEAR(contrast("#777777", "#ffffff"), 4.48, 0.01);  // the well-known grey that just fails
  EXPECT_NEAR(lab(linear("#ffffff"))[0], 100, 0.01);
}

TEST(Palette, ContrastIsEnoughInBothSchemes) {
  for (const ContrastPair& pair : kContrasts) {
    const Tone &above = tone(pair.above), &below = tone(pair.below);
    EXPECT_GE(contrast(above.light, below.light), pair.least) << pair.above << " on " << pair.below;
    EXPECT_GE(contrast(above.dark, below.dark), pair.least) << pair.above << " on " << pair.below << ", dark";
  }
}

TEST(Palette, SeriesStayApartForTheColourBlind) {
  for (const bool dark : {false, true}) {
    const auto colour = [&](std::string_view name) {
      return linear(dark ? tone(name).dark : tone(name).light);
    };
    for (const auto& matrix : kDeficiencies)
      EXPECT_GE(distance(lab(seen(matrix, colour("first"))), lab(seen(matrix, colour("second")))), 20)
          << dark;
  }
}

TEST(Palette, TheStyleUsesOnlyColoursOfThePalette) {
  std::string style = page_style();
  for (const Tone& t : kPalette)
    EXPECT_NE(style.find("var(--" + std::string(t.name) + ")"), style.npos) << t.name;
  // What is left after the definitions holds no colour of its own.
  const std::string rest = style.substr(style.find("box-sizing"));
  EXPECT_EQ(rest.find(": #"), rest.npos);
  EXPECT_EQ(rest.find("rgb("), rest.npos);
}

}  // namespace
}  // namespace hone::layout
