// Every format of the list: size, round trip, zeros, outlier, unaligned rows, and equality with the gguf
// package on the goldens in tests/golden/formats (written by generate.py there). The search for codes:
// search_test.cpp.
#include "formats/format.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <iomanip>
#include <limits>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/half.h"
#include "base/rng.h"
#include "formats/grid.h"
#include "formats/row_error.h"
#include "formats/testing.h"

namespace hone {
namespace {

class EveryFormat : public testing::TestWithParam<const Format*> {};
INSTANTIATE_TEST_SUITE_P(Formats, EveryFormat, testing::ValuesIn(all_formats().begin(), all_formats().end()),
                         [](const auto& param) { return std::string(param.param->name); });

TEST_P(EveryFormat, IsFoundByNameAndId) {
  const Format& format = *GetParam();
  EXPECT_EQ(find_format(format.id), &format);
  EXPECT_EQ(find_format(format.name), &format);
  EXPECT_EQ(&format_of(format.id), &format);
  EXPECT_EQ(&format_named(format.name), &format);
  EXPECT_EQ(format.quantized, format.block_elems > 1);
  EXPECT_EQ(format.encodes(), format.max_relative_rmse > 0 || format.name == "f32");
  EXPECT_EQ(format.bytes(format.block_elems * 7), format.block_bytes * 7);
}

std::vector<const Format*> encoded_formats() {
  std::vector<const Format*> found;
  for (const Format* format : all_formats())
    if (format->encodes()) found.push_back(format);
  return found;
}

class EncodedFormat : public testing::TestWithParam<const Format*> {};
INSTANTIATE_TEST_SUITE_P(Formats, EncodedFormat, testing::ValuesIn(encoded_formats()),
                         [](const auto& param) { return std::string(param.param->name); });

TEST_P(EncodedFormat, RoundTripStaysWithinItsBound) {
  const Format& format = *GetParam();
  const std::vector<float> x = normal_values(1 << 16, 1.0, 7);
  const std::vector<float> y = decode(format, encode(format, x));
  double error = 0, power = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    error += std::pow(static_cast<double>(y[i]) - x[i], 2);
    power += std::pow(static_cast<double>(x[i]), 2);
  }
  const double rmse = std::sqrt(error / power);
  RecordProperty("relative_rmse", std::to_string(rmse));
  EXPECT_LE(rmse, format.max_relative_rmse);
  // A bound that is loose by more than half would not notice a lost bit.
  EXPECT_GE(rmse, format.max_relative_rmse * 0.5);
}

// The size that the tests below put into one block; float formats have blocks of one.
size_t block_of(const Format& format) {
  return std::max<size_t>(32, format.block_elems);
}

// How far off one value alone in a block may be: scales of a few bits cannot put a code on it, and iq4_xs's
// is a small part of a small value.
float alone(const Format& format) {
  if (format.id == FormatId::kMXFP4 || format.id == FormatId::kNVFP4) return 0.06f;
  return format.id == FormatId::kIQ4_XS ? 0.02f : 0.01f;
}

void expect_only_the_second_block_differs(const std::vector<float>& y, const std::vector<float>& plain) {
  const size_t block = y.size() / 3;
  for (size_t i = 0; i < block; ++i) EXPECT_EQ(y[i], plain[i]);
  for (size_t i = 2 * block; i < 3 * block; ++i) EXPECT_EQ(y[i], plain[i]);
}

TEST_P(EncodedFormat, ZerosStayZero) {
  const Format& format = *GetParam();
  const std::vector<float> zeros(3 * block_of(format), 0.0f);
  for (const float y : decode(format, encode(format, zeros))) EXPECT_EQ(y, 0.0f);
}

TEST_P(EncodedFormat, OutlierIsKeptAndSparesTheOtherBlocks) {
  const Format& format = *GetParam();
  const size_t block = block_of(format);
  std::vector<float> x = normal_values(3 * block, 1.0, 3);
  const std::vector<float> plain = decode(format, encode(format, x));
  x[block + 8] = -1000.0f;
  const std::vector<float> y = decode(format, encode(format, x));
  EXPECT_NEAR(y[block + 8], -1000.0f, 1000.0f * alone(format));
  expect_only_the_second_block_differs(y, plain);
  for (const float v : y) EXPECT_TRUE(std::isfinite(v));
}

TEST_P(EncodedFormat, BytesNeedNoAlignment) {
  const Format& format = *GetParam();
  const std::vector<float> x = normal_values(2 * block_of(format), 1.0, 5);
  const std::vector<std::byte> aligned = encode(format, x);
  std::vector<std::byte> shifted(aligned.size() + 1);
  format.from_float(x.data(), shifted.data() + 1, x.size());
  EXPECT_EQ(std::memcmp(shifted.data() + 1, aligned.data(), aligned.size()), 0);
  std::vector<float> y(x.size());
  format.to_float(shifted.data() + 1, y.data(), y.size());
  EXPECT_EQ(y, decode(format, aligned));
}

TEST_P(EncodedFormat, NothingHappensForNoElements) {
  GetParam()->from_float(nullptr, nullptr, 0);
  GetParam()->to_float(nullptr, nullptr, 0);
}

TEST_P(EncodedFormat, SpecialValuesNeverSpillIntoOtherBlocks) {
  const Format& format = *GetParam();
  const size_t block = block_of(format);
  std::vector<float> x = normal_values(3 * block, 1.0, 11);
  const std::vector<float> plain = decode(format, encode(format, x));
  for (const float special : {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
                              std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::max(),
                              std::numeric_limits<float>::denorm_min()}) {
    x[block + 1] = special;
    expect_only_the_second_block_differs(decode(format, encode(format, x)), plain);
  }
}

TEST_P(EncodedFormat, FlatAndTinyBlocksAreKept) {
  const Format& format = *GetParam();
  for (const float value : {1.0f, -1.0f, 3e-3f, -3e-3f}) {
    const std::vector<float> x(block_of(format), value);
    for (const float y : decode(format, encode(format, x)))
      EXPECT_NEAR(y, value, std::fabs(value) * alone(format));
  }
  for (const double scale : {1e-6, 1e-12, 1e-30, 1e-44})
    for (const float y : decode(format, encode(format, normal_values(block_of(format), scale, 2))))
      EXPECT_LE(std::fabs(y), 10 * scale + 1e-7);
}

class Golden : public testing::TestWithParam<const char*> {
 protected:
  template <typename T>
  static std::vector<T> load(const std::string& name) {
    const std::string text = read_file(std::string(HONE_TEST_DATA "/golden/formats/") + name);
    std::vector<T> out(text.size() / sizeof(T));
    std::memcpy(out.data(), text.data(), out.size() * sizeof(T));
    return out;
  }
};
INSTANTIATE_TEST_SUITE_P(Formats, Golden,
                         testing::Values("f16", "bf16", "q8_0", "q4_0", "q4_1", "q5_0", "q5_1", "q2_k",
                                         "q3_k", "q4_k", "q5_k", "q6_k", "iq4_nl", "iq4_xs", "mxfp4", "nvfp4",
                                         "tq1_0", "tq2_0", "iq2_xxs", "iq2_xs", "iq2_s", "iq3_xxs", "iq3_s",
                                         "iq1_s", "iq1_m"));

class EncodedGolden : public Golden {};
INSTANTIATE_TEST_SUITE_P(Formats, EncodedGolden,
                         testing::Values("f16", "bf16", "q8_0", "q4_0", "q4_1", "q5_0", "q5_1"));

TEST_P(EncodedGolden, EncodesTheSameBytesAsGguf) {
  const Format& format = format_named(GetParam());
  const std::vector<std::byte> expected = load<std::byte>(std::string(GetParam()) + ".bin");
  const std::vector<std::byte> got = encode(format, load<float>("values.bin"));
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i)
    ASSERT_EQ(static_cast<int>(got[i]), static_cast<int>(expected[i]))
        << "block " << i / format.block_bytes << " byte " << i % format.block_bytes;
}

TEST_P(Golden, DecodesTheSameBitsAsGguf) {
  const Format& format = format_named(GetParam());
  const std::vector<float> expected = load<float>(std::string(GetParam()) + "_floats.bin");
  const std::vector<float> got = decode(format, load<std::byte>(std::string(GetParam()) + "_blocks.bin"));
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i)
    ASSERT_EQ(std::bit_cast<uint32_t>(got[i]), std::bit_cast<uint32_t>(expected[i]))
        << "block " << i / format.block_elems << " element " << i % format.block_elems;
}

// Sum over points of (i + 1) * (number + 1), as in generate_grids.py.
template <typename Points>
uint32_t digest(const Points& points, std::initializer_list<int> choices) {
  uint32_t total = 0;
  const size_t bits = 16 / sizeof points[0];
  for (size_t i = 0; i < points.size(); ++i) {
    uint32_t number = 0;
    for (size_t k = 0; k < sizeof points[0]; ++k) {
      const auto at = std::find(choices.begin(), choices.end(), points[i].at[k]);
      number |= static_cast<uint32_t>(at - choices.begin()) << (bits * k);
    }
    total += static_cast<uint32_t>(i + 1) * (number + 1);
  }
  return total;
}

TEST(Formats, GridsAreGgufs) {
  const auto three = {8, 25, 43}, eight = {4, 12, 20, 28, 36, 44, 52, 62}, odd = {1, 3, 5, 7, 9, 11, 13, 15};
  std::ostringstream lines;
  lines << "iq2_xxs 256 " << digest(codec::grid_iq2_xxs(), three) << "\n"
        << "iq2_xs 512 " << digest(codec::grid_iq2_xs(), three) << "\n"
        << "iq2_s 1024 " << digest(codec::grid_iq2_s(), three) << "\n"
        << "iq3_xxs 256 " << digest(codec::grid_iq3_xxs(), eight) << "\n"
        << "iq3_s 512 " << digest(codec::grid_iq3_s(), odd) << "\n"
        << "iq1_s 2048 " << digest(codec::grid_iq1(), {-1, 0, 1}) << "\n";
  EXPECT_EQ(lines.str(), read_file(HONE_TEST_DATA "/golden/formats/grids.txt"));
}

TEST(Formats, SquaredErrorCountsEveryElementAndShowsWhatIsNotFinite) {
  for (const size_t n : {size_t{0}, size_t{1}, size_t{7}, size_t{8}, size_t{41}}) {
    const std::vector<float> x = normal_values(n, 1.0, 3);
    std::vector<float> y = normal_values(n, 1.0, 4);
    double error = 0, weight = 0;
    for (size_t i = 0; i < n; ++i) {
      error += std::pow(static_cast<double>(y[i]) - static_cast<double>(x[i]), 2);
      weight += std::pow(static_cast<double>(x[i]), 2);
    }
    const SquaredError got = squared_error(x.data(), y.data(), n);
    EXPECT_NEAR(got.error, error, 1e-12 * error);
    EXPECT_NEAR(got.weight, weight, 1e-12 * weight);
    for (size_t i = 0; i < n; ++i) {
      const float kept = std::exchange(y[i], std::numeric_limits<float>::infinity());
      EXPECT_FALSE(std::isfinite(squared_error(x.data(), y.data(), n).error));
      EXPECT_FALSE(std::isfinite(squared_error(y.data(), x.data(), n).weight));
      y[i] = std::numeric_limits<float>::max();
      EXPECT_TRUE(std::isfinite(squared_error(x.data(), y.data(), n).error));
      y[i] = kept;
    }
  }
}

TEST(Formats, F32IsACopyOfTheBits) {
  std::vector<uint32_t> bits = {0, 0x80000000u, 0x7f800001u, 0xffc12345u, 1, 0x3f800000u};
  std::vector<float> x(bits.size());
  std::memcpy(x.data(), bits.data(), bits.size() * 4);
  const std::vector<std::byte> bytes = encode(format_named("f32"), x);
  EXPECT_EQ(std::memcmp(bytes.data(), bits.data(), bytes.size()), 0);
}

TEST(Formats, Bf16MakesNansQuiet) {
  const float signaling = std::bit_cast<float>(0xff800001u);
  uint16_t half = 0;
  format_named("bf16").from_float(&signaling, reinterpret_cast<std::byte*>(&half), 1);
  EXPECT_EQ(half, 0xffc0);
}

TEST(Formats, EveryF16RoundTripsAndAgreesWithTheScalarConversion) {
  const Format& format = format_named("f16");
  std::vector<std::byte> all(65536 * 2);
  for (uint32_t i = 0; i < 65536; ++i) std::memcpy(&all[2 * i], &i, 2);
  const std::vector<float> x = decode(format, all);
  EXPECT_EQ(encode(format, x), all);
  for (uint32_t i = 0; i < 65536; ++i)
    ASSERT_EQ(std::bit_cast<uint32_t>(x[i]), std::bit_cast<uint32_t>(f16_to_f32(static_cast<uint16_t>(i))));
}

TEST(Formats, F16RoundingAgreesWithTheScalarConversion) {
  const Format& format = format_named("f16");
  Rng rng(1);
  for (int i = 0; i < 200000; ++i) {
    const float x = std::bit_cast<float>(static_cast<uint32_t>(rng.next()));
    if (std::isnan(x)) continue;  // the scalar conversion drops the payload
    uint16_t half = 0;
    format.from_float(&x, reinterpret_cast<std::byte*>(&half), 1);
    ASSERT_EQ(half, f32_to_f16(x)) << x;
  }
}

// "| `q4_k` | 4.5 |" for every format.
TEST(Formats, TheGuideHasTheirBits) {
  const std::string guide = read_file(HONE_TEST_DATA "/../docs/guide/quantize.md");
  for (const Format* format : all_formats()) {
    std::ostringstream row;
    row << "| `" << format->name << "` | " << std::setprecision(8) << format->bits_per_weight() << " |";
    EXPECT_NE(guide.find(row.str()), std::string::npos) << row.str();
  }
}

TEST(Formats, NamesAndIdsAreUnique) {
  std::set<std::string_view> names;
  std::set<FormatId> ids;
  std::set<uint32_t> file_types;
  for (const Format* format : all_formats()) {
    EXPECT_TRUE(names.insert(format->name).second);
    EXPECT_TRUE(ids.insert(format->id).second);
    EXPECT_TRUE(file_types.insert(format->file_type).second);
  }
  EXPECT_EQ(names.size(), 26u);
  EXPECT_DOUBLE_EQ(format_named("q4_0").bits_per_weight(), 4.5);
  EXPECT_DOUBLE_EQ(format_named("q8_0").bits_per_weight(), 8.5);
}

TEST(Formats, UnknownOnesAreNamedTogetherWithTheKnown) {
  EXPECT_EQ(find_format("q9_k"), nullptr);
  EXPECT_EQ(find_format(static_cast<FormatId>(99)), nullptr);
  try {
    format_of(static_cast<FormatId>(99));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotSupported);
    EXPECT_NE(std::string(error.what()).find("99"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("q4_0"), std::string::npos);
  }
  try {
    format_named("q9");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(std::string(error.what()).find("q9"), std::string::npos);
  }
}

}  // namespace
}  // namespace hone
