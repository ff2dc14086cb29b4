// Every format of the list: size, round trip, zeros, outlier, unaligned rows, and equality with the gguf
// package on the goldens in tests/golden/formats (written by generate.py there).
#include "formats/format.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/half.h"
#include "base/rng.h"

namespace hone {
namespace {

std::vector<float> normal_values(size_t n, double scale, uint64_t seed) {
  Rng rng(seed);
  std::vector<float> x(n);
  for (float& v : x) v = static_cast<float>(rng.normal() * scale);
  return x;
}

std::vector<std::byte> encode(const Format& format, const std::vector<float>& x) {
  std::vector<std::byte> bytes(format.bytes(x.size()));
  format.from_float(x.data(), bytes.data(), x.size());
  return bytes;
}

std::vector<float> decode(const Format& format, const std::vector<std::byte>& bytes) {
  std::vector<float> x(bytes.size() / format.block_bytes * format.block_elems);
  format.to_float(bytes.data(), x.data(), x.size());
  return x;
}

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
  EXPECT_EQ(format.bytes(format.block_elems * 7), format.block_bytes * 7);
}

TEST_P(EveryFormat, RoundTripStaysWithinItsBound) {
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

TEST_P(EveryFormat, ZerosStayZero) {
  const Format& format = *GetParam();
  for (const float y : decode(format, encode(format, std::vector<float>(96, 0.0f)))) EXPECT_EQ(y, 0.0f);
}

TEST_P(EveryFormat, OutlierIsKeptAndSparesTheOtherBlocks) {
  const Format& format = *GetParam();
  std::vector<float> x = normal_values(96, 1.0, 3);
  const std::vector<float> plain = decode(format, encode(format, x));
  x[40] = -1000.0f;
  const std::vector<float> y = decode(format, encode(format, x));
  EXPECT_NEAR(y[40], -1000.0f, 1000.0f * 0.005f);
  for (size_t i = 0; i < 32; ++i) EXPECT_EQ(y[i], plain[i]);
  for (size_t i = 64; i < 96; ++i) EXPECT_EQ(y[i], plain[i]);
  for (const float v : y) EXPECT_TRUE(std::isfinite(v));
}

TEST_P(EveryFormat, BytesNeedNoAlignment) {
  const Format& format = *GetParam();
  const std::vector<float> x = normal_values(64, 1.0, 5);
  const std::vector<std::byte> aligned = encode(format, x);
  std::vector<std::byte> shifted(aligned.size() + 1);
  format.from_float(x.data(), shifted.data() + 1, x.size());
  EXPECT_EQ(std::memcmp(shifted.data() + 1, aligned.data(), aligned.size()), 0);
  std::vector<float> y(x.size());
  format.to_float(shifted.data() + 1, y.data(), y.size());
  EXPECT_EQ(y, decode(format, aligned));
}

TEST_P(EveryFormat, NothingHappensForNoElements) {
  GetParam()->from_float(nullptr, nullptr, 0);
  GetParam()->to_float(nullptr, nullptr, 0);
}

TEST_P(EveryFormat, SpecialValuesNeverSpillIntoOtherBlocks) {
  const Format& format = *GetParam();
  std::vector<float> x = normal_values(96, 1.0, 11);
  const std::vector<float> plain = decode(format, encode(format, x));
  for (const float special : {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
                              std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::max(),
                              std::numeric_limits<float>::denorm_min()}) {
    x[33] = special;
    const std::vector<float> y = decode(format, encode(format, x));
    for (size_t i = 0; i < 32; ++i) EXPECT_EQ(y[i], plain[i]);
    for (size_t i = 64; i < 96; ++i) EXPECT_EQ(y[i], plain[i]);
  }
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
                         testing::Values("f16", "bf16", "q8_0", "q4_0", "q4_1", "q5_0", "q5_1"));

TEST_P(Golden, EncodesTheSameBytesAsGguf) {
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

TEST(Formats, NamesAndIdsAreUnique) {
  std::set<std::string_view> names;
  std::set<FormatId> ids;
  std::set<uint32_t> file_types;
  for (const Format* format : all_formats()) {
    EXPECT_TRUE(names.insert(format->name).second);
    EXPECT_TRUE(ids.insert(format->id).second);
    EXPECT_TRUE(file_types.insert(format->file_type).second);
  }
  EXPECT_EQ(names.size(), 8u);
  EXPECT_DOUBLE_EQ(format_named("q4_0").bits_per_weight(), 4.5);
  EXPECT_DOUBLE_EQ(format_named("q8_0").bits_per_weight(), 8.5);
}

TEST(Formats, UnknownOnesAreNamedTogetherWithTheKnown) {
  EXPECT_EQ(find_format("q3_k"), nullptr);
  EXPECT_EQ(find_format(static_cast<FormatId>(12)), nullptr);
  try {
    format_of(static_cast<FormatId>(12));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotSupported);
    EXPECT_NE(std::string(error.what()).find("12"), std::string::npos);
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
