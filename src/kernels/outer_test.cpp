// Sums of outer products over stored bf16 rows, beside a plain loop: sizes around the tiles' edges, NaN
// between rows.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/half.h"
#include "kernels/testing.h"

namespace hone {
namespace {

using namespace testing;

TEST(Kernels, OuterProductsOverStoredRows) {
  Rng rng(12);
  for (const Kernels* ks : vector_tables()) {
    if (ks->outer_bf16 == nullptr) continue;
    for (const size_t m : {1u, 4u, 16u, 21u})
      for (const size_t n : {1u, 15u, 16u, 31u, 32u, 75u})
        for (const size_t k : {1u, 2u, 47u, 64u, 131u}) {
          const size_t stride = n + 3, ldc = n + 5, pairs = (k + 1) / 2;
          const std::vector<float> a = normals(rng, 2 * pairs * m, 1.0), w = normals(rng, k * stride, 1.0);
          std::vector<uint32_t> packed(pairs * m);
          const std::vector<float> zeros(m, 0.0f);
          for (size_t p = 0; p < pairs; ++p)
            ks->pair_bf16(m, a.data() + 2 * p * m, 2 * p + 1 < k ? a.data() + (2 * p + 1) * m : zeros.data(),
                          packed.data() + p * m);
          std::vector<uint16_t> stored(k * stride, 0x7fc0);  // NaN between the rows
          for (size_t i = 0; i < k; ++i)
            ks->f32_to_bf16(n, w.data() + i * stride, stored.data() + i * stride);
          for (const bool accumulate : {false, true}) {
            std::vector<float> c(m * ldc, accumulate ? 2.0f : kNan);
            ks->outer_bf16(m, n, k, packed.data(), m, stored.data(), stride, c.data(), ldc, 0.5f, accumulate);
            for (size_t i = 0; i < m; ++i)
              for (size_t j = 0; j < ldc; ++j) {
                if (j >= n) {
                  ASSERT_TRUE(accumulate ? c[i * ldc + j] == 2.0f : std::isnan(c[i * ldc + j]));
                  continue;
                }
                double sum = 0, size = 2;
                for (size_t l = 0; l < k; ++l) {
                  const uint32_t pair = packed[l / 2 * m + i];
                  const auto half = static_cast<uint16_t>(l % 2 == 0 ? pair & 0xffff : pair >> 16);
                  const double x = static_cast<double>(bf16_to_f32(half)) *
                                   static_cast<double>(bf16_to_f32(stored[l * stride + j]));
                  sum += x;
                  size += std::fabs(x);
                }
                ASSERT_NEAR(c[i * ldc + j], 0.5 * sum + (accumulate ? 2.0 : 0.0), 1e-6 * size)
                    << m << "x" << n << "x" << k;
              }
          }
        }
  }
}

}  // namespace
}  // namespace hone
