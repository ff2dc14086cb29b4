// Every format of the list: size, round trip, zeros, outlier, unaligned rows, and equality with the gguf
// package on the goldens in tests/golden/formats (written by generate.py there). Formats that the package
// cannot encode: errors no larger than llama.cpp's (generate_k.py), the same bytes whatever the instruction
// set.
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
#include <vector>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/half.h"
#include "base/rng.h"
#include "formats/search.h"

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

// The size that the tests below put into one block; float formats have blocks of one.
size_t block_of(const Format& format) {
  return std::max<size_t>(32, format.block_elems);
}

void expect_only_the_second_block_differs(const std::vector<float>& y, const std::vector<float>& plain) {
  const size_t block = y.size() / 3;
  for (size_t i = 0; i < block; ++i) EXPECT_EQ(y[i], plain[i]);
  for (size_t i = 2 * block; i < 3 * block; ++i) EXPECT_EQ(y[i], plain[i]);
}

TEST_P(EveryFormat, ZerosStayZero) {
  const Format& format = *GetParam();
  const std::vector<float> zeros(3 * block_of(format), 0.0f);
  for (const float y : decode(format, encode(format, zeros))) EXPECT_EQ(y, 0.0f);
}

TEST_P(EveryFormat, OutlierIsKeptAndSparesTheOtherBlocks) {
  const Format& format = *GetParam();
  const size_t block = block_of(format);
  std::vector<float> x = normal_values(3 * block, 1.0, 3);
  const std::vector<float> plain = decode(format, encode(format, x));
  x[block + 8] = -1000.0f;
  const std::vector<float> y = decode(format, encode(format, x));
  EXPECT_NEAR(y[block + 8], -1000.0f, 1000.0f * 0.005f);
  expect_only_the_second_block_differs(y, plain);
  for (const float v : y) EXPECT_TRUE(std::isfinite(v));
}

TEST_P(EveryFormat, BytesNeedNoAlignment) {
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

TEST_P(EveryFormat, NothingHappensForNoElements) {
  GetParam()->from_float(nullptr, nullptr, 0);
  GetParam()->to_float(nullptr, nullptr, 0);
}

TEST_P(EveryFormat, SpecialValuesNeverSpillIntoOtherBlocks) {
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

TEST_P(EveryFormat, FlatAndTinyBlocksAreKept) {
  const Format& format = *GetParam();
  for (const float value : {1.0f, -1.0f, 3e-3f, -3e-3f}) {
    const std::vector<float> x(block_of(format), value);
    for (const float y : decode(format, encode(format, x))) EXPECT_NEAR(y, value, std::fabs(value) * 0.01f);
  }
  for (const double scale : {1e-6, 1e-12, 1e-30, 1e-44})
    for (const float y : decode(format, encode(format, normal_values(block_of(format), scale, 2))))
      EXPECT_LE(std::fabs(y), 10 * scale + 1e-7);
}

TEST_P(EveryFormat, ColumnsOfNoImportanceAreGivenUpForTheOthers) {
  const Format& format = *GetParam();
  if (format.from_float_weighted == nullptr) return;
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
  EXPECT_LT(error, plain_error * 0.8);
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
                                         "q3_k", "q4_k", "q5_k", "q6_k"));

TEST_P(Golden, EncodesTheSameBytesAsGguf) {
  const Format& format = format_named(GetParam());
  if (format.block_elems == codec::kSuper) return;  // the package only decodes these
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
    EXPECT_LT(ours, theirs) << name << " " << kind;
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
  EXPECT_EQ(names.size(), 13u);
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
