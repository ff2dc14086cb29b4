// Which rows are drawn, and their sums, beside the scalar table and plain loops.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/testing.h"

namespace hone {
namespace {

using namespace testing;

// Draws equal the oracle's, whose number stands for what was not drawn.
TEST(Kernels, SmallNumbersAreSampled) {
  Rng rng(31);
  for (const size_t n : {1u, 15u, 16u, 17u, 100u, 20000u}) {
    std::vector<float> x(n), u(n);
    for (size_t i = 0; i < n; ++i) {
      x[i] = i % 50 == 3 ? 1.0f : static_cast<float>(rng.uniform()) * 0.02f;
      u[i] = static_cast<float>(rng.uniform());
    }
    x[n / 2] = 0;
    x[n - 1] = kNan;
    std::vector<uint32_t> expected_ids(n + 16);
    std::vector<float> expected(n + 16);
    const size_t kept =
        oracle().sample(n, 2.0f, 0.5f, x.data(), u.data(), 7, expected_ids.data(), expected.data());
    double sum = 0, all = 0;
    for (size_t i = 0; i < kept; ++i) sum += static_cast<double>(expected[i]);
    for (size_t i = 0; i + 1 < n; ++i) all += 2 * static_cast<double>(x[i]);
    // A draw of 0.5 deviates by at most 0.14 (chances of up to 0.08).
    EXPECT_NEAR(sum, all, 4 * 0.14 * std::sqrt(static_cast<double>(n)) + 1);
    for (const Kernels* ks : vector_tables()) {
      std::vector<uint32_t> ids(n + 16);
      std::vector<float> values(n + 16);
      ASSERT_EQ(ks->sample(n, 2.0f, 0.5f, x.data(), u.data(), 7, ids.data(), values.data()), kept)
          << isa_name(ks->isa) << " n=" << n;
      for (size_t i = 0; i < kept; ++i) {
        ASSERT_EQ(ids[i], expected_ids[i]);
        ASSERT_EQ(values[i], expected[i]);
        ASSERT_TRUE(values[i] == 0.5f || x[ids[i] - 7] == 1.0f);
      }
    }
  }
}

TEST(Kernels, PairedRowsAddUp) {
  Rng rng(32);
  constexpr size_t kRows = 40;
  for (const size_t n : {16u, 32u, 96u, 112u, 288u, 320u})
    for (const Kernels* ks : all_tables()) {
      const std::vector<float> low = normals(rng, n * kRows), high = normals(rng, n * kRows),
                               values = normals(rng, kRows), start = normals(rng, 2 * n + 1);
      std::vector<uint32_t> rows(n * kRows);
      ks->pair_bf16(n * kRows, low.data(), high.data(), rows.data());
      std::vector<uint32_t> ids;
      for (uint32_t i = 0; i < kRows; i += 3) ids.push_back(1000 + i);
      std::vector<float> y(start);
      ks->add_paired_rows(n, ids.size(), ids.data(), 1000, values.data(), rows.data(), y.data());
      ks->add_paired_rows(n, 0, nullptr, 1000, nullptr, rows.data(), y.data());
      for (size_t j = 0; j < n; ++j) {
        double expected[2] = {start[j], start[n + j]}, size = 1;
        for (size_t i = 0; i < ids.size(); ++i) {
          const size_t at = (ids[i] - 1000) * n + j;
          expected[0] += static_cast<double>(values[i] * low[at]);
          expected[1] += static_cast<double>(values[i] * high[at]);
          size += std::fabs(static_cast<double>(values[i])) *
                  std::max(std::fabs(static_cast<double>(low[at])), std::fabs(static_cast<double>(high[at])));
        }
        ASSERT_NEAR(y[j], expected[0], size / 256) << isa_name(ks->isa) << " n=" << n;
        ASSERT_NEAR(y[n + j], expected[1], size / 256) << isa_name(ks->isa) << " n=" << n;
      }
      EXPECT_EQ(y[2 * n], start[2 * n]);
    }
}

}  // namespace
}  // namespace hone
