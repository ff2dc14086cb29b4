// Every kernel of every ISA this machine has, against the scalar table: sizes around the tile and lane edges,
// unaligned pointers, buffers poisoned with NaN beyond what a kernel may write.
#include "kernels/kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "base/half.h"
#include "kernels/testing.h"

namespace hone {
namespace {

using namespace testing;

// 2 eps (k + 1) max^2: the error of k products of numbers up to max, in any order.
float bound(size_t k, float largest) {
  return 2.0f * std::numeric_limits<float>::epsilon() * static_cast<float>(k + 1) * largest * largest;
}

TEST(Kernels, TileF32EqualsScalarOnEdgesWithoutTouchingNeighbours) {
  Rng rng(1);
  for (const Kernels* ks : vector_tables()) {
    for (const size_t k : {1u, 2u, 7u, 31u, 64u, 257u}) {
      for (size_t mr = 1; mr <= ks->tile_m; ++mr) {
        for (const size_t nr : {size_t{1}, size_t{3}, ks->tile_n - 1, ks->tile_n}) {
          const size_t ldb = ks->tile_n + 3, ldc = nr + 2;
          const std::vector<float> a = normals(rng, mr * (k + 1) + 1), b = normals(rng, k * ldb + 1);
          std::vector<float> c(mr * ldc + 1, kNan), expected(mr * ldc + 1, kNan);
          for (const bool accumulate : {false, true}) {
            if (accumulate)
              for (size_t m = 0; m < mr; ++m)
                for (size_t n = 0; n < nr; ++n) c[1 + m * ldc + n] = expected[1 + m * ldc + n] = 0.5f;
            ks->tile_f32(mr, nr, k, a.data() + 1, k + 1, 1, b.data() + 1, ldb, c.data() + 1, ldc, 0.7f,
                         accumulate);
            for (size_t m = 0; m < mr; ++m) {
              for (size_t n = 0; n < nr; ++n) {
                double sum = 0;
                for (size_t i = 0; i < k; ++i)
                  sum +=
                      static_cast<double>(a[1 + m * (k + 1) + i]) * static_cast<double>(b[1 + i * ldb + n]);
                expected[1 + m * ldc + n] = static_cast<float>(0.7 * sum + (accumulate ? 0.5 : 0.0));
              }
            }
            for (size_t i = 0; i < c.size(); ++i) {
              if (std::isnan(expected[i])) {
                ASSERT_TRUE(std::isnan(c[i])) << "written outside the tile at " << i;
              } else {
                ASSERT_NEAR(c[i], expected[i], bound(k, 4.0f))
                    << isa_name(ks->isa) << " k=" << k << " mr=" << mr;
              }
            }
          }
        }
      }
    }
  }
}

TEST(Kernels, TileF32TakesTransposedRows) {
  Rng rng(2);
  for (const Kernels* ks : vector_tables()) {
    const size_t k = 37, mr = ks->tile_m, nr = ks->tile_n;
    const std::vector<float> a = normals(rng, k * mr), b = normals(rng, k * nr);
    std::vector<float> c(mr * nr), expected(mr * nr);
    ks->tile_f32(mr, nr, k, a.data(), 1, mr, b.data(), nr, c.data(), nr, 1.0f, false);
    for (size_t m = 0; m < mr; ++m)
      for (size_t n = 0; n < nr; ++n) {
        double sum = 0;
        for (size_t i = 0; i < k; ++i)
          sum += static_cast<double>(a[i * mr + m]) * static_cast<double>(b[i * nr + n]);
        ASSERT_NEAR(c[m * nr + n], sum, bound(k, 4.0f));
      }
  }
}

TEST(Kernels, TileBf16EqualsProductsOfRoundedNumbers) {
  Rng rng(3);
  for (const Kernels* ks : vector_tables()) {
    if (ks->tile_bf16 == nullptr) continue;
    for (const size_t pairs : {1u, 5u, 16u, 21u, 64u}) {
      for (size_t mr = 1; mr <= ks->tile_m_bf16; ++mr) {
        for (const size_t nr : {size_t{1}, size_t{17}, ks->tile_n_bf16}) {
          const size_t k = 2 * pairs, width = ks->tile_n_bf16, ldc = nr + 1;
          const std::vector<float> a = normals(rng, mr * k), b = normals(rng, k * width);
          std::vector<uint32_t> a16(mr * pairs), b16(pairs * width);
          for (size_t m = 0; m < mr; ++m)
            ks->f32_to_bf16(k, a.data() + m * k, reinterpret_cast<uint16_t*>(a16.data() + m * pairs));
          for (size_t p = 0; p < pairs; ++p)
            ks->pair_bf16(width, b.data() + 2 * p * width, b.data() + (2 * p + 1) * width,
                          b16.data() + p * width);
          std::vector<float> c(mr * ldc, kNan), more(mr * ldc, 3.0f), half(mr * ldc, 3.0f);
          ks->tile_bf16(mr, nr, pairs, a16.data(), pairs, b16.data(), c.data(), ldc, 1.0f, false);
          ks->tile_bf16(mr, nr, pairs, a16.data(), pairs, b16.data(), more.data(), ldc, 1.0f, true);
          ks->tile_bf16(mr, nr, pairs, a16.data(), pairs, b16.data(), half.data(), ldc, 0.5f, mr % 2 == 0);
          for (size_t m = 0; m < mr; ++m) {
            for (size_t n = 0; n < nr; ++n) {
              double sum = 0;
              for (size_t i = 0; i < k; ++i)
                sum += static_cast<double>(bf16_to_f32(f32_to_bf16(a[m * k + i]))) *
                       static_cast<double>(bf16_to_f32(f32_to_bf16(b[i * width + n])));
              ASSERT_NEAR(c[m * ldc + n], sum, bound(k, 4.0f));
              ASSERT_NEAR(more[m * ldc + n], 3 + sum, bound(k, 4.0f));
              ASSERT_NEAR(half[m * ldc + n], (mr % 2 == 0 ? 3 : 0) + 0.5 * sum, bound(k, 4.0f));
            }
            ASSERT_TRUE(std::isnan(c[m * ldc + nr]) && more[m * ldc + nr] == 3 && half[m * ldc + nr] == 3);
          }
        }
      }
    }
  }
}

struct F16Operands {
  std::vector<float> a, b;  // (mr, k), (k, width), rounded to f16
  std::vector<uint32_t> a16, b16;
};

F16Operands f16_operands(Rng& rng, const F16Kernels& f16, size_t mr, size_t pairs, size_t width) {
  const size_t k = 2 * pairs;
  F16Operands o{normals(rng, mr * k), normals(rng, k * width), std::vector<uint32_t>(mr * pairs),
                std::vector<uint32_t>(pairs * width)};
  for (std::vector<float>* all : {&o.a, &o.b})
    for (float& x : *all) x = f16_to_f32(f32_to_f16(x));
  for (size_t m = 0; m < mr; ++m)
    f16.halve(k, 1.0f, o.a.data() + m * k, reinterpret_cast<uint16_t*>(o.a16.data() + m * pairs));
  for (size_t p = 0; p < pairs; ++p)
    f16.pair(width, 1.0f, o.b.data() + 2 * p * width, o.b.data() + (2 * p + 1) * width,
             o.b16.data() + p * width);
  return o;
}

std::vector<const F16Kernels*> f16_tables() {
  std::vector<const F16Kernels*> tables;
  for (const Isa isa : all_isas())
    if (const F16Kernels* table = f16_kernels(isa)) tables.push_back(table);
  return tables;
}

// Sums in f16 err by at most half a unit in their last place at every step.
TEST(Kernels, TileF16EqualsProductsWithinTheRoundingOfItsRuns) {
  Rng rng(31);
  for (const F16Kernels* f16 : f16_tables()) {
    for (const size_t pairs : {size_t{1}, kF16Run - 1, kF16Run, kF16Run + 1, 3 * kF16Run + 5}) {
      for (size_t mr = 1; mr <= f16->tile_m; ++mr) {
        for (const size_t nr : {size_t{1}, f16->widths.least, f16->widths.least + 1, f16->widths.most / 2,
                                f16->widths.most / 2 + 1, f16->widths.most - 1, f16->widths.most}) {
          const size_t k = 2 * pairs, width = f16->widths.of(nr), ldc = nr + 1;
          const F16Operands o = f16_operands(rng, *f16, mr, pairs, width);
          std::vector<float> scales = normals(rng, mr);
          for (const bool accumulate : {false, true}) {
            std::vector<float> c(mr * ldc, accumulate ? 0.5f : kNan);
            for (size_t m = 0; m < mr; ++m) c[m * ldc + nr] = kNan;
            f16->tile(mr, nr, pairs, o.a16.data(), pairs, o.b16.data(), width, c.data(), ldc, scales.data(),
                      0.7f, accumulate);
            double error = 0, size = 0;
            for (size_t m = 0; m < mr; ++m) {
              for (size_t n = 0; n < nr; ++n) {
                double sum = 0;
                for (size_t i = 0; i < k; ++i)
                  sum += static_cast<double>(o.a[m * k + i]) * static_cast<double>(o.b[i * width + n]);
                const double expected = 0.7 * static_cast<double>(scales[m]) * sum + (accumulate ? 0.5 : 0.0);
                // Partial sums stay below 64 here: half a unit is 2^-6.
                const double most =
                    std::fabs(static_cast<double>(scales[m])) * 0x1p-6 * static_cast<double>(k) / 4;
                ASSERT_NEAR(c[m * ldc + n], expected, most + 1e-5) << "k=" << k << " mr=" << mr;
                error += std::pow(static_cast<double>(c[m * ldc + n]) - expected, 2);
                size += std::pow(expected, 2);
              }
              ASSERT_TRUE(std::isnan(c[m * ldc + nr]));
            }
            if (mr * nr > 64) {
              ASSERT_LT(std::sqrt(error / size), 1.5e-3);
            }
          }
        }
      }
    }
  }
}

TEST(Kernels, F16ConversionsScaleAndRoundToNearest) {
  Rng rng(32);
  for (const F16Kernels* f16 : f16_tables()) {
    for (const size_t n : {1u, 15u, 16u, 17u, 63u, 64u, 200u}) {
      std::vector<float> x = normals(rng, 2 * n, 1e4);
      x[n / 2] = -7e5f;
      EXPECT_EQ(f16->largest(1, n, n, x.data()), 7e5f);
      x[n + n / 2] = 9e6f;
      EXPECT_EQ(f16->largest(2, n, n, x.data()), 9e6f);
      EXPECT_LT(f16->largest(2, n / 2, n, x.data()), 7e5f);
      const float scale = f16_scale(7e5f);
      std::vector<uint16_t> halves(n + 1, 7);
      std::vector<uint32_t> pairs(n + 1, 7);
      f16->halve(n, scale, x.data(), halves.data());
      f16->pair(n, scale, x.data(), x.data() + n, pairs.data());
      for (size_t i = 0; i < n; ++i) {
        ASSERT_EQ(halves[i], f32_to_f16(scale * x[i]));
        ASSERT_EQ(pairs[i], halves[i] | static_cast<uint32_t>(f32_to_f16(scale * x[n + i])) << 16);
      }
      ASSERT_EQ(halves[n], 7);
      ASSERT_EQ(pairs[n], 7u);
    }
    EXPECT_EQ(f16->largest(1, 0, 0, nullptr), 0.0f);
  }
}

std::vector<const I16Kernels*> i16_tables() {
  std::vector<const I16Kernels*> tables;
  for (const Isa isa : all_isas())
    if (isa_supported(isa))
      if (const I16Kernels* table = i16_kernels(isa)) tables.push_back(table);
  return tables;
}

// A run of x is what its codes times its factor are, within half a code; and no sum can overflow.
void expect_run_encoded(std::span<const float> x, std::span<const int16_t> codes, float factor) {
  int64_t sum = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    ASSERT_NEAR(static_cast<double>(codes[i]) * static_cast<double>(factor), x[i],
                0.502 * static_cast<double>(factor))
        << i;
    sum += std::abs(codes[i]);
  }
  ASSERT_LE(sum, kI16RunSum);
}

TEST(Kernels, I16RowsAreWithinHalfACodeAndCannotOverflow) {
  Rng rng(41);
  for (const I16Kernels* i16 : i16_tables()) {
    for (const size_t n : {2u, 62u, 64u, 66u, 192u, 200u}) {
      for (const float size : {1.0f, 1e-20f, 1e25f}) {
        std::vector<float> x = normals(rng, n, size);
        x[n / 2] *= 300;  // one that stands out
        for (size_t i = 128; i < std::min<size_t>(n, 192); ++i)
          x[i] = i % 2 == 0 ? size : -size;  // all alike
        std::vector<int16_t> codes(n + 1, 7);
        std::vector<float> factors(i16_runs(n) + 1, 7.0f);
        i16->encode_row(n, x.data(), codes.data(), factors.data());
        for (size_t r = 0; r < i16_runs(n); ++r) {
          const size_t first = r * kI16Run, count = std::min(kI16Run, n - first);
          expect_run_encoded(std::span(x).subspan(first, count), std::span(codes).subspan(first, count),
                             factors[r]);
        }
        ASSERT_EQ(codes[n], 7);
        ASSERT_EQ(factors.back(), 7.0f);
      }
    }
  }
}

TEST(Kernels, I16RowsKeepZerosAndTellOfWhatIsNotFinite) {
  for (const I16Kernels* i16 : i16_tables()) {
    const size_t n = 5 * kI16Run;
    std::vector<float> x(n, 0.0f);
    x[kI16Run + 3] = kNan;
    x[2 * kI16Run] = -std::numeric_limits<float>::infinity();
    x[3 * kI16Run + 1] = 1e-38f;
    x[4 * kI16Run + 1] = 2.0f;
    std::vector<int16_t> codes(n);
    std::vector<float> factors(5);
    i16->encode_row(n, x.data(), codes.data(), factors.data());
    EXPECT_EQ(factors[0], 0.0f);
    EXPECT_TRUE(std::isnan(factors[1]) && std::isnan(factors[2]));
    EXPECT_EQ(factors[3], 0.0f);
    EXPECT_EQ(codes[4 * kI16Run + 1], 32767);
  }
}

TEST(Kernels, I16PanelsAreWithinHalfACodeOfEveryColumn) {
  Rng rng(42);
  for (const I16Kernels* i16 : i16_tables()) {
    const size_t width = i16->tile_n;
    for (const size_t k : {1u, 2u, 63u, 64u, 131u}) {
      const size_t stride = width + 3, pairs = (k + 1) / 2;
      std::vector<float> x = normals(rng, k * stride);
      for (size_t i = 0; i < k; ++i) x[i * stride + 1] = 0;
      x[k / 2 * stride + 2] = kNan;
      x[k / 2 * stride + 3] = std::numeric_limits<float>::infinity();
      x[k / 2 * stride + 4] = 1e4f;
      std::vector<uint32_t> panel(pairs * width + 1, 7);
      std::vector<float> factors(width + 1, 7.0f);
      i16->encode_panel(k, x.data(), stride, panel.data(), factors.data());
      EXPECT_EQ(factors[1], 0.0f);
      EXPECT_TRUE(std::isnan(factors[2]) && std::isnan(factors[3]));
      for (size_t n = 0; n < width; ++n) {
        if (n == 2 || n == 3) continue;
        for (size_t i = 0; i < 2 * pairs; ++i) {
          const auto code = static_cast<int16_t>(panel[i / 2 * width + n] >> (16 * (i % 2)));
          ASSERT_LE(std::abs(code), kI16Largest);
          const double expected = i < k ? static_cast<double>(x[i * stride + n]) : 0.0;
          ASSERT_NEAR(static_cast<double>(code) * static_cast<double>(factors[n]), expected,
                      0.502 * static_cast<double>(factors[n]))
              << i << " " << n;
        }
      }
      ASSERT_EQ(panel.back(), 7u);
      ASSERT_EQ(factors.back(), 7.0f);
    }
  }
}

TEST(Kernels, TileI16EqualsProductsOfItsCodes) {
  Rng rng(43);
  for (const I16Kernels* i16 : i16_tables()) {
    const size_t width = i16->tile_n;
    for (const size_t pairs : {size_t{1}, size_t{31}, size_t{32}, size_t{33}, size_t{112}}) {
      for (size_t mr = 1; mr <= i16->tile_m; ++mr) {
        for (const size_t nr : {size_t{1}, width / 2, width / 2 + 1, width}) {
          const size_t k = 2 * pairs, stride = pairs + 3, runs = i16_runs(k), n_factors = runs + 1,
                       ldc = nr + 1;
          const std::vector<float> x = normals(rng, mr * k), w = normals(rng, k * width);
          std::vector<uint32_t> a(mr * stride), b(pairs * width);
          std::vector<float> a_factors(mr * n_factors), b_factors(width);
          for (size_t m = 0; m < mr; ++m)
            i16->encode_row(k, x.data() + m * k, reinterpret_cast<int16_t*>(a.data() + m * stride),
                            a_factors.data() + m * n_factors);
          i16->encode_panel(k, w.data(), width, b.data(), b_factors.data());
          for (const bool accumulate : {false, true}) {
            std::vector<float> c(mr * ldc, accumulate ? 0.5f : kNan);
            for (size_t m = 0; m < mr; ++m) c[m * ldc + nr] = kNan;
            i16->tile(mr, nr, pairs, {a.data(), stride, a_factors.data(), n_factors}, b.data(),
                      b_factors.data(), c.data(), ldc, 0.7f, accumulate);
            for (size_t m = 0; m < mr; ++m) {
              for (size_t n = 0; n < nr; ++n) {
                double sum = 0;
                for (size_t i = 0; i < k; ++i)
                  sum += static_cast<double>(x[m * k + i]) * static_cast<double>(w[i * width + n]);
                const double expected = 0.7 * sum + (accumulate ? 0.5 : 0.0);
                // An operand errs by 1e-4 of its size.
                ASSERT_NEAR(c[m * ldc + n], expected, 1e-3 * std::sqrt(static_cast<double>(k)))
                    << "k=" << k << " mr=" << mr;
              }
              ASSERT_TRUE(std::isnan(c[m * ldc + nr]));
            }
          }
        }
      }
    }
  }
}

// The largest numbers that scales allow, all of one sign: sums come as near to 2^31 as they can.
TEST(Kernels, TileI16SumsDoNotOverflow) {
  for (const I16Kernels* i16 : i16_tables()) {
    const size_t k = 3 * kI16Run, width = i16->tile_n;
    for (const size_t spread : {size_t{1}, size_t{3}, size_t{5}, kI16Run}) {
      std::vector<float> x(k, 0.0f), w(k * width, -1.0f);
      for (size_t i = 0; i < k; ++i)
        if (i % kI16Run < spread) x[i] = 1.0f;
      std::vector<uint32_t> a(k / 2), b(k / 2 * width);
      std::vector<float> a_factors(3), b_factors(width), c(width);
      i16->encode_row(k, x.data(), reinterpret_cast<int16_t*>(a.data()), a_factors.data());
      i16->encode_panel(k, w.data(), width, b.data(), b_factors.data());
      i16->tile(1, width, k / 2, {a.data(), k / 2, a_factors.data(), 3}, b.data(), b_factors.data(), c.data(),
                width, 1.0f, false);
      for (const float y : c)
        ASSERT_NEAR(y, -3.0f * static_cast<float>(spread), 0.02f * static_cast<float>(spread));
    }
  }
}

TEST(Kernels, StoredHalvesBecomePairsAndAreScaled) {
  Rng rng(34);
  for (const F16Kernels* f16 : f16_tables()) {
    for (const size_t n : {1u, 15u, 16u, 17u, 31u, 32u, 63u, 64u, 65u, 200u}) {
      std::vector<std::byte> stored(4 * n + 1);  // from an odd address on
      std::vector<uint16_t> halves(2 * n + 1, 7);
      for (size_t i = 0; i < 2 * n; ++i) halves[i] = f32_to_f16(static_cast<float>(rng.normal()));
      halves[n / 2] = f32_to_f16(-300.0f);
      std::memcpy(stored.data() + 1, halves.data(), 4 * n);
      for (const Kernels* ks : all_tables()) {
        std::vector<uint32_t> pairs(n + 1, 7);
        ks->pair_rows(FormatId::kBF16)(stored.data() + 1, stored.data() + 1 + 2 * n, pairs.data(), n);
        for (size_t i = 0; i < n; ++i)
          ASSERT_EQ(pairs[i], halves[i] | static_cast<uint32_t>(halves[n + i]) << 16);
        ASSERT_EQ(pairs[n], 7u);
      }
      EXPECT_EQ(f16->largest_half(n, halves.data()), 300.0f);
      EXPECT_LT(f16->largest_half(n, halves.data() + n), 300.0f);
      const std::vector<uint16_t> before = halves;
      f16->scale_halves(2 * n, 0.125f, halves.data());
      for (size_t i = 0; i < 2 * n; ++i) ASSERT_EQ(halves[i], f32_to_f16(0.125f * f16_to_f32(before[i])));
      ASSERT_EQ(halves[2 * n], 7);
      halves[n - 1] = 0xfc00;  // -infinity
      EXPECT_TRUE(std::isinf(f16->largest_half(n, halves.data())));
    }
    EXPECT_EQ(f16->largest_half(0, nullptr), 0.0f);
  }
}

TEST(Kernels, F16ScalesArePowersOfTwoThatCannotOverflow) {
  constexpr float kTiny = std::numeric_limits<float>::denorm_min();
  for (const float x : {1.0f, 0.9999f, 3e-5f, 65504.0f, 3.4e38f, 1e-30f}) {
    const float scale = f16_scale(x);
    EXPECT_GE(x * scale, kF16Largest / 2);
    EXPECT_LT(x * scale, kF16Largest);
    int exponent;
    EXPECT_EQ(std::frexp(scale, &exponent), 0.5f);
    EXPECT_TRUE(std::isnormal(1.0f / scale));
  }
  for (const float x : {kTiny, 1e-38f}) EXPECT_LT(x * f16_scale(x), kF16Largest);
  for (const float x : {0.0f, INFINITY, kNan}) EXPECT_EQ(f16_scale(x), 1.0f);
}

TEST(Kernels, StoredFloatRowsBecomeHalvesAndPairs) {
  Rng rng(7);
  for (const FormatId id : {FormatId::kF32, FormatId::kF16, FormatId::kBF16}) {
    const Format& format = format_of(id);
    for (const size_t n : {1u, 15u, 16u, 33u, 100u}) {
      const std::vector<float> x = normals(rng, 2 * n);
      std::vector<std::byte> stored(format.bytes(2 * n));
      format.from_float(x.data(), stored.data(), 2 * n);
      const std::byte* odd = stored.data() + format.bytes(n);
      std::vector<float> exact(2 * n);
      format.to_float(stored.data(), exact.data(), 2 * n);
      for (const Kernels* ks : all_tables()) {
        std::vector<uint16_t> halves(n + 1, 7);
        ks->half_row(id)(stored.data(), halves.data(), n);
        std::vector<uint32_t> pairs(n + 1, 7);
        ks->pair_rows(id)(stored.data(), odd, pairs.data(), n);
        for (size_t i = 0; i < n; ++i) {
          ASSERT_EQ(halves[i], f32_to_bf16(exact[i])) << isa_name(ks->isa);
          ASSERT_EQ(pairs[i], f32_to_bf16(exact[i]) | static_cast<uint32_t>(f32_to_bf16(exact[n + i])) << 16);
        }
        ASSERT_EQ(halves[n], 7);
        ASSERT_EQ(pairs[n], 7u);
      }
    }
  }
  for (const Kernels* ks : all_tables()) {
    EXPECT_EQ(ks->half_row(FormatId::kQ8_0), nullptr);
    EXPECT_EQ(ks->pair_rows(FormatId::kQ8_0), nullptr);
  }
}

TEST(Kernels, PairsOfStoredHalvesSplitIntoRows) {
  Rng rng(8);
  constexpr size_t kPairs = 3;
  for (const FormatId id : {FormatId::kF16, FormatId::kBF16}) {
    for (const size_t width : {1u, 7u, 8u, 16u, 32u, 45u}) {
      const std::vector<float> x = normals(rng, 2 * kPairs * width);
      std::vector<uint32_t> stored(kPairs * width);
      format_of(id).from_float(x.data(), reinterpret_cast<std::byte*>(stored.data()), x.size());
      std::vector<float> exact(x.size());
      format_of(id).to_float(reinterpret_cast<const std::byte*>(stored.data()), exact.data(), x.size());
      for (const Kernels* ks : all_tables()) {
        std::vector<float> rows(x.size() + 1, 7);
        ks->split_pairs(id)(kPairs, width, stored.data(), rows.data());
        for (size_t p = 0; p < kPairs; ++p)
          for (size_t i = 0; i < width; ++i) {
            ASSERT_EQ(rows[2 * p * width + i], exact[2 * (p * width + i)]) << isa_name(ks->isa);
            ASSERT_EQ(rows[(2 * p + 1) * width + i], exact[2 * (p * width + i) + 1]) << isa_name(ks->isa);
          }
        ASSERT_EQ(rows.back(), 7);
      }
    }
  }
  for (const Kernels* ks : all_tables()) EXPECT_EQ(ks->split_pairs(FormatId::kF32), nullptr);
}

TEST(Kernels, ConversionsAreExact) {
  Rng rng(4);
  std::vector<float> x = normals(rng, 1003, 100.0);
  for (const float v : {0.0f, -0.0f, INFINITY, -INFINITY, kNan, 1e-40f, 3.4e38f, 1.00390625f, 1.01171875f})
    x.push_back(v);
  for (const Kernels* ks : vector_tables()) {
    std::vector<uint16_t> got(x.size()), expected(x.size());
    ks->f32_to_bf16(x.size(), x.data(), got.data());
    oracle().f32_to_bf16(x.size(), x.data(), expected.data());
    // AVX-512's instruction flushes subnormal inputs to zero; that entry is the only one allowed to differ.
    for (size_t i = 0; i < x.size(); ++i)
      if (std::fpclassify(x[i]) != FP_SUBNORMAL) {
        ASSERT_EQ(got[i], expected[i]) << isa_name(ks->isa) << " x=" << x[i];
      }
  }
}

TEST(Kernels, HalvesAreRoundedExactly) {
  Rng rng(14);
  std::vector<float> x = normals(rng, 1003, 100.0);
  for (const float v : {0.0f, -0.0f, INFINITY, -INFINITY, 1e-7f, -3e-5f, 65504.0f, 65520.0f, 1.00048828125f})
    x.push_back(v);
  for (const Kernels* ks : vector_tables()) {
    std::vector<uint16_t> got(x.size()), expected(x.size());
    ks->f32_to_f16(x.size(), x.data(), got.data());
    oracle().f32_to_f16(x.size(), x.data(), expected.data());
    ASSERT_EQ(got, expected) << isa_name(ks->isa);
  }
}

TEST(Kernels, PairsTurn) {
  Rng rng(15);
  for (const Kernels* ks : vector_tables()) {
    for (const size_t n : {2u, 8u, 14u, 16u, 50u, 128u}) {
      const std::vector<float> x = normals(rng, n), cos = normals(rng, n), sin = normals(rng, n);
      std::vector<float> y(n + 1, kNan);
      ks->rotate_pairs(n, x.data(), cos.data(), sin.data(), y.data());
      for (size_t i = 0; i < n; ++i) ASSERT_NEAR(y[i], x[i] * cos[i] + x[i ^ 1] * sin[i], 1e-5f);
      ASSERT_TRUE(std::isnan(y[n]));
    }
  }
}

TEST(Kernels, FewQueriesAttendAsInAPlainLoop) {
  Rng rng(16);
  for (const Kernels* ks : all_tables()) {
    for (const FormatId id : {FormatId::kF32, FormatId::kF16}) {
      const Format& f = format_of(id);
      const bool f32 = id == FormatId::kF32;
      for (const size_t dim : {4u, 12u, 16u, 64u, 80u}) {
        for (const size_t queries : {1u, 2u, 3u, 5u}) {
          const size_t keys = 48, n = 41;
          std::vector<float> stored = normals(rng, keys * dim);
          std::vector<std::byte> bytes(f.bytes(stored.size()));
          f.from_float(stored.data(), bytes.data(), stored.size());
          f.to_float(bytes.data(), stored.data(), stored.size());
          const std::vector<float> q = normals(rng, queries * (dim + 1)), w = normals(rng, queries * keys);
          std::vector<float> scores(queries * keys, kNan), mixed(queries * (dim + 1), kNan);
          (f32 ? ks->attend_scores_f32 : ks->attend_scores_f16)(queries, dim, keys / 16, q.data(), dim + 1,
                                                                bytes.data(), scores.data(), keys);
          (f32 ? ks->attend_mix_f32 : ks->attend_mix_f16)(queries, dim, n, w.data(), keys, bytes.data(),
                                                          mixed.data(), dim + 1);
          for (size_t i = 0; i < queries; ++i) {
            for (size_t key = 0; key < keys; ++key) {
              double sum = 0;
              for (size_t d = 0; d < dim; ++d)
                sum += static_cast<double>(q[i * (dim + 1) + d]) *
                       static_cast<double>(stored[(key / 16 * dim + d) * 16 + key % 16]);
              ASSERT_NEAR(scores[i * keys + key], sum, bound(dim, 5.0f));
            }
            for (size_t d = 0; d < dim; ++d) {
              double sum = 0;
              for (size_t key = 0; key < n; ++key)
                sum += static_cast<double>(w[i * keys + key]) * static_cast<double>(stored[key * dim + d]);
              ASSERT_NEAR(mixed[i * (dim + 1) + d], sum, bound(n, 5.0f));
            }
            ASSERT_TRUE(std::isnan(mixed[i * (dim + 1) + dim]));
          }
        }
      }
    }
  }
}

TEST(Kernels, EightBitValuesMixAsInAPlainLoop) {
  Rng rng(18);
  const Format& f = format_of(FormatId::kQ8_0);
  for (const Kernels* ks : all_tables()) {
    for (const size_t dim : {32u, 64u, 96u}) {
      for (const size_t queries : {1u, 2u, 3u, 5u}) {
        const size_t n = 41;
        std::vector<float> values = normals(rng, n * dim);
        std::vector<std::byte> stored(f.bytes(values.size()));
        f.from_float(values.data(), stored.data(), values.size());
        f.to_float(stored.data(), values.data(), values.size());
        const std::vector<float> w = normals(rng, queries * (n + 1));
        std::vector<float> mixed(queries * (dim + 1), kNan);
        ks->attend_mix_q8_0(queries, dim, n, w.data(), n + 1, stored.data(), mixed.data(), dim + 1);
        for (size_t i = 0; i < queries; ++i) {
          for (size_t d = 0; d < dim; ++d) {
            double sum = 0;
            for (size_t key = 0; key < n; ++key)
              sum += static_cast<double>(w[i * (n + 1) + key]) * static_cast<double>(values[key * dim + d]);
            ASSERT_NEAR(mixed[i * (dim + 1) + d], sum, bound(n, 5.0f)) << isa_name(ks->isa);
          }
          ASSERT_TRUE(std::isnan(mixed[i * (dim + 1) + dim]));
        }
      }
    }
  }
}

TEST(Kernels, TransposeMovesEveryElement) {
  Rng rng(5);
  for (const Kernels* ks : vector_tables()) {
    for (const size_t rows : {1u, 7u, 8u, 16u, 19u, 32u}) {
      for (const size_t cols : {1u, 8u, 13u, 64u, 129u}) {
        std::vector<uint32_t> in(rows * (cols + 1)), out(cols * (rows + 2), 7),
            expected(cols * (rows + 2), 7);
        for (uint32_t& v : in) v = static_cast<uint32_t>(rng.next());
        ks->transpose32(rows, cols, in.data(), cols + 1, out.data(), rows + 2);
        oracle().transpose32(rows, cols, in.data(), cols + 1, expected.data(), rows + 2);
        ASSERT_EQ(out, expected) << rows << "x" << cols;
      }
    }
  }
}

TEST(Kernels, VectorOpsEqualScalar) {
  Rng rng(6);
  for (const Kernels* ks : vector_tables()) {
    for (const size_t n : {1u, 2u, 7u, 8u, 15u, 16u, 17u, 31u, 64u, 101u, 576u}) {
      const std::vector<float> a = normals(rng, n + 1, 2.0), b = normals(rng, n + 1), d = normals(rng, n + 1);
      EXPECT_NEAR(ks->dot(n, a.data() + 1, b.data() + 1), oracle().dot(n, a.data() + 1, b.data() + 1),
                  bound(n, 6.0f));
      EXPECT_EQ(ks->max(n, a.data() + 1), oracle().max(n, a.data() + 1));
      std::vector<float> y(b), z(b);
      ks->axpy(n, 0.3f, a.data() + 1, y.data() + 1);
      oracle().axpy(n, 0.3f, a.data() + 1, z.data() + 1);
      for (size_t i = 0; i <= n; ++i) ASSERT_NEAR(y[i], z[i], 1e-6f);
      ks->scale_mul(n, 0.3f, a.data() + 1, b.data() + 1, y.data() + 1);
      oracle().scale_mul(n, 0.3f, a.data() + 1, b.data() + 1, z.data() + 1);
      for (size_t i = 0; i <= n; ++i) ASSERT_NEAR(y[i], z[i], 1e-5f);
      std::vector<float> dg(n + 1, kNan), du(n + 1, kNan), eg(n + 1, kNan), eu(n + 1, kNan);
      for (const bool gelu : {false, true}) {
        const auto unit = [gelu](const Kernels& table) { return gelu ? table.geglu : table.swiglu; };
        const auto back = [gelu](const Kernels& table) {
          return gelu ? table.geglu_backward : table.swiglu_backward;
        };
        unit (*ks)(n, a.data(), b.data(), dg.data());
        unit(oracle())(n, a.data(), b.data(), eg.data());
        for (size_t i = 0; i < n; ++i) ASSERT_NEAR(dg[i], eg[i], 1e-5f * (1 + std::fabs(eg[i])));
        EXPECT_TRUE(std::isnan(dg[n]));
        back (*ks)(n, a.data(), b.data(), d.data(), dg.data(), du.data());
        back(oracle())(n, a.data(), b.data(), d.data(), eg.data(), eu.data());
        for (size_t i = 0; i < n; ++i) {
          ASSERT_NEAR(dg[i], eg[i], 2e-5f * (1 + std::fabs(eg[i])));
          ASSERT_NEAR(du[i], eu[i], 1e-5f * (1 + std::fabs(eu[i])));
        }
        std::fill(dg.begin(), dg.end(), kNan);
      }
    }
  }
}

TEST(Kernels, ExponentialIsAccurateOverItsWholeRange) {
  for (const Kernels* ks : vector_tables()) {
    std::vector<float> x, y;
    for (float v = -86.0f; v <= 87.0f; v += 0.0137f) x.push_back(v);
    y.resize(x.size());
    ks->exp_sum(x.size(), 1.0f, 0.0f, x.data(), y.data());
    for (size_t i = 0; i < x.size(); ++i) {
      const double expected = std::exp(static_cast<double>(x[i]));
      ASSERT_NEAR(y[i] / expected, 1.0, 5e-7) << "x=" << x[i];
    }
    const std::vector<float> low = {-200.0f, -INFINITY, -1e30f};
    std::vector<float> out(3);
    ks->exp_sum(3, 1.0f, 0.0f, low.data(), out.data());
    for (const float v : out) EXPECT_LT(v, 1e-37f);
    // Damage must not be smoothed over.
    const std::vector<float> damaged(17, kNan);
    std::vector<float> poisoned(17);
    EXPECT_TRUE(std::isnan(ks->exp_sum(17, 1.0f, 0.0f, damaged.data(), poisoned.data())));
  }
}

TEST(Kernels, StoredFloatDotsEqualScalar) {
  Rng rng(7);
  for (const Kernels* ks : vector_tables()) {
    for (const FormatId id : {FormatId::kF32, FormatId::kF16, FormatId::kBF16}) {
      const Format& f = format_of(id);
      for (const size_t n : {1u, 5u, 8u, 16u, 33u, 64u, 577u}) {
        constexpr size_t kRows = 8;
        const size_t ldx = n + 3;
        const std::vector<float> w = normals(rng, n), x = normals(rng, kRows * ldx);
        std::vector<std::byte> stored(f.bytes(n));
        f.from_float(w.data(), stored.data(), n);
        float expected[kRows], alone[kRows];
        oracle().dots_float(id)(kRows, n, stored.data(), x.data(), ldx, expected);
        for (size_t i = 0; i < kRows; ++i)
          ks->dots_float(id)(1, n, stored.data(), x.data() + i * ldx, ldx, alone + i);
        for (size_t m = 1; m <= kRows; ++m) {
          float y[kRows + 1];
          y[m] = kNan;
          ks->dots_float(id)(m, n, stored.data(), x.data(), ldx, y);
          EXPECT_TRUE(std::isnan(y[m]));
          for (size_t i = 0; i < m; ++i) {
            EXPECT_NEAR(y[i], expected[i], bound(n, 5.0f));
            EXPECT_EQ(y[i], alone[i]) << m << " rows of " << n;
          }
        }
      }
    }
  }
}

TEST(Kernels, DecodedRowsAreBitEqual) {
  Rng rng(9);
  for (const Kernels* ks : vector_tables()) {
    for (const Format* f : all_formats()) {
      for (const size_t blocks : {1u, 2u, 5u, 19u}) {
        const size_t n = blocks * f->block_elems;
        std::vector<std::byte> stored(f->bytes(n));
        if (f->encodes())
          f->from_float(normals(rng, n, 0.02).data(), stored.data(), n);
        else  // no scale is infinite or no number: its two bytes hold an exponent of 15 at most
          for (std::byte& b : stored) b = static_cast<std::byte>(rng.next()) & std::byte{0x3f};
        std::vector<float> got(n + 1, kNan), expected(n);
        ks->decode_row(f->id)(stored.data(), got.data(), n);
        f->to_float(stored.data(), expected.data(), n);
        for (size_t i = 0; i < n; ++i) ASSERT_EQ(got[i], expected[i]) << f->name << " at " << i;
        ASSERT_TRUE(std::isnan(got[n]));
      }
    }
  }
}

TEST(Kernels, Int8ActivationsEqualScalar) {
  Rng rng(8);
  for (const Kernels* ks : vector_tables()) {
    for (const size_t n : {32u, 64u, 96u, 576u}) {
      const std::vector<float> x = normals(rng, n, 3.0);
      std::vector<int8_t> q(n), q0(n);
      std::vector<float> d(n / 32), d0(n / 32);
      std::vector<int32_t> sums(n / 16), sums0(n / 16);
      ks->quantize_int8(n, x.data(), q.data(), d.data(), sums.data());
      oracle().quantize_int8(n, x.data(), q0.data(), d0.data(), sums0.data());
      ASSERT_EQ(q, q0);
      ASSERT_EQ(d, d0);
      ASSERT_EQ(sums, sums0);
    }
  }
}

TEST(Kernels, OneNanMakesItsBlockNan) {
  for (const Isa isa : all_isas()) {
    if (!isa_supported(isa)) continue;
    for (size_t at = 0; at < 160; ++at) {
      std::vector<float> x(160, 1.0f);
      x[at] = kNan;
      std::vector<int8_t> q(160);
      std::vector<float> d(5);
      std::vector<int32_t> sums(10);
      kernels_for(isa)->quantize_int8(160, x.data(), q.data(), d.data(), sums.data());
      for (size_t b = 0; b < 5; ++b) {
        if (b == at / 32)
          EXPECT_TRUE(std::isnan(d[b])) << isa_name(isa) << " " << at;
        else
          EXPECT_FLOAT_EQ(d[b], 1.0f / 127);
      }
    }
  }
}

TEST(Kernels, ZeroActivationsQuantizeToZero) {
  const std::vector<float> x(160, 0.0f);
  for (const Isa isa : all_isas()) {
    if (!isa_supported(isa)) continue;
    std::vector<int8_t> q(160, 1);
    std::vector<float> d(5, kNan);
    std::vector<int32_t> sums(10, 1);
    kernels_for(isa)->quantize_int8(160, x.data(), q.data(), d.data(), sums.data());
    for (const int8_t v : q) EXPECT_EQ(v, 0);
    for (const float scale : d) EXPECT_EQ(scale, 0.0f);
    for (const int32_t sum : sums) EXPECT_EQ(sum, 0);
  }
}

}  // namespace
}  // namespace hone
