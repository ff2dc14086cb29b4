// The search for codes: the same on every instruction set, errors no larger than llama.cpp's (generate_k.py),
// importance that counts.
#include "formats/search.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "base/atomic_file.h"
#include "base/rng.h"
#include "formats/format.h"
#include "formats/testing.h"

namespace hone {
namespace {

std::vector<const Format*> weighted_formats() {
  std::vector<const Format*> found;
  for (const Format* format : all_formats())
    if (format->from_float_weighted != nullptr) found.push_back(format);
  return found;
}

class WeightedFormat : public testing::TestWithParam<const Format*> {};
INSTANTIATE_TEST_SUITE_P(Formats, WeightedFormat, testing::ValuesIn(weighted_formats()),
                         [](const auto& param) { return std::string(param.param->name); });

TEST_P(WeightedFormat, ColumnsOfNoImportanceAreGivenUpForTheOthers) {
  const Format& format = *GetParam();
  const std::vector<float> x = normal_values(16 * format.block_elems, 1.0, 13);
  std::vector<float> weights(x.size());
  for (size_t i = 0; i < weights.size(); ++i) weights[i] = i % 4 == 0 ? 1.0f : 0.0f;
  std::vector<std::byte> bytes(format.bytes(x.size()));
  format.from_float_weighted(x.data(), weights.data(), bytes.data(), x.size());
  const std::vector<float> y = decode(format, bytes), plain = decode(format, encode(format, x));
  double error = 0, plain_error = 0;
  for (size_t i = 0; i < x.size(); i += 4) {
    error += std::pow(static_cast<double>(y[i]) - x[i], 2);
    plain_error += std::pow(static_cast<double>(plain[i]) - x[i], 2);
  }
  // One scale for 256 weights, or powers of two, leave little to give up.
  const bool coarse = format.name.starts_with("tq") || format.name == "mxfp4";
  EXPECT_LT(error, plain_error * (coarse ? 0.98 : 0.8));
  // No weights at all: nothing to make small, but still finite.
  format.from_float_weighted(x.data(), std::vector<float>(x.size(), 0.0f).data(), bytes.data(), x.size());
  for (const float v : decode(format, bytes)) EXPECT_TRUE(std::isfinite(v));
}

TEST(Search, EveryInstructionSetChoosesTheSameCodes) {
  const codec::Searches& plain = *codec::searches_for(Isa::kScalar);
  const codec::Searches* const wide = isa_supported(Isa::kAvx2) ? codec::searches_for(Isa::kAvx2) : nullptr;
  if (wide == nullptr) GTEST_SKIP() << "no second instruction set here";
  std::vector<float> x = normal_values(256 * 64, 0.02, 21), w = normal_values(x.size(), 1.0, 22);
  for (float& v : w) v = v * v;
  x[300] = 1e4f;
  x[700] = std::numeric_limits<float>::infinity();
  x[900] = std::numeric_limits<float>::quiet_NaN();
  for (size_t i = 1024; i < 1280; ++i) x[i] = 0.25f;
  const auto compare = [&](auto search, auto codes) {
    for (size_t i = 0; i < x.size(); i += codec::kSuper)
      for (const float* weights : std::initializer_list<const float*>{nullptr, w.data() + i}) {
        auto a = codes, b = codes;
        (plain.*search)(x.data() + i, weights, a);
        (wide->*search)(x.data() + i, weights, b);
        ASSERT_EQ(std::memcmp(&a, &b, sizeof a), 0) << "block " << i / codec::kSuper;
      }
  };
  compare(&codec::Searches::q2_k, codec::AffineCodes{});
  compare(&codec::Searches::q3_k, codec::SymmetricCodes{});
  compare(&codec::Searches::q4_k, codec::AffineCodes{});
  compare(&codec::Searches::q5_k, codec::AffineCodes{});
  compare(&codec::Searches::q6_k, codec::SymmetricCodes{});
  compare(&codec::Searches::iq4_xs, codec::SymmetricCodes{});
  compare(&codec::Searches::ternary, codec::SymmetricCodes{});
  compare(&codec::Searches::nvfp4, codec::SymmetricCodes{});
  for (const auto small : {&codec::Searches::q4_0, &codec::Searches::q5_0, &codec::Searches::q4_1,
                           &codec::Searches::q5_1, &codec::Searches::iq4_nl, &codec::Searches::mxfp4})
    compare(small, codec::SmallCodes{});
}

TEST(Search, TernaryWeightsAreKept) {
  for (const char* name : {"tq1_0", "tq2_0"}) {
    const Format& format = format_named(name);
    std::vector<float> x = normal_values(512, 1.0, 5);
    for (float& v : x) v = v > 0.6f ? 0.015625f : v < -0.4f ? -0.015625f : 0.0f;
    EXPECT_EQ(decode(format, encode(format, x)), x) << name;
  }
}

std::vector<float> halves(const std::string& name) {
  const std::string bytes = read_file(std::string(HONE_TEST_DATA "/golden/formats/") + name);
  std::vector<float> out(bytes.size() / 2);
  format_named("f16").to_float(reinterpret_cast<const std::byte*>(bytes.data()), out.data(), out.size());
  return out;
}

// sqrt(sum w (x - y)^2 / sum w x^2) of each row, averaged.
double mean_error(const float* x, const std::vector<float>& y, const std::vector<float>& w, size_t rows) {
  double total = 0;
  for (size_t r = 0; r < rows; ++r) {
    double error = 0, power = 0;
    for (size_t c = 0; c < w.size(); ++c) {
      const double value = static_cast<double>(x[r * w.size() + c]), weight = static_cast<double>(w[c]);
      error += weight * std::pow(static_cast<double>(y[r * w.size() + c]) - value, 2);
      power += weight * value * value;
    }
    total += std::sqrt(error / power);
  }
  return total / static_cast<double>(rows);
}

TEST(Formats, ErrorsAreNoLargerThanLlamaCpps) {
  const std::vector<float> values = halves("k_values.bin"), weights = halves("k_weights.bin");
  const size_t columns = weights.size(), rows = 8;
  std::istringstream lines(read_file(HONE_TEST_DATA "/golden/formats/k_errors.txt"));
  std::string name, kind;
  double theirs = 0, theirs_weighted = 0;
  size_t n_lines = 0;
  for (; lines >> name >> kind >> theirs >> theirs_weighted; ++n_lines) {
    const Format& format = format_named(name);
    const float* x = values.data() + (kind == "normal" ? 0u : kind == "heavy" ? 1u : 2u) * rows * columns;
    std::vector<std::byte> bytes(format.bytes(rows * columns));
    format.from_float(x, bytes.data(), rows * columns);
    const double ours = mean_error(x, decode(format, bytes), std::vector<float>(columns, 1.0f), rows);
    // Rounded to six places in the file; from_float of the older formats is llama.cpp's, byte for byte.
    EXPECT_LT(ours, theirs + 1e-6) << name << " " << kind;
    for (size_t r = 0; r < rows; ++r)
      format.from_float_weighted(x + r * columns, weights.data(), bytes.data() + format.bytes(r * columns),
                                 columns);
    const double ours_weighted = mean_error(x, decode(format, bytes), weights, rows);
    EXPECT_LT(ours_weighted, theirs_weighted) << name << " " << kind;
    // The table in docs/guide/quantize.md: run with --gtest_output=xml.
    RecordProperty(name + "_" + kind, std::to_string(ours) + " " + std::to_string(ours_weighted));
  }
  EXPECT_EQ(n_lines % 3, 0u);
  EXPECT_GE(n_lines, 9u);
}

}  // namespace
}  // namespace hone
