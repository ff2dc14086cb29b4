#include "ops/gemm_halves.h"

#include <algorithm>
#include <cstring>

#include "base/round.h"
#include "base/threads.h"
#include "ops/halves.h"
#include "ops/scratch.h"

namespace hone {
namespace {

// With fewer, converting an operand costs more than its products save.
constexpr size_t kMinI16Rows = 32, kMinI16Columns = 64;

size_t pairs_of(size_t k) {
  return (k + 1) / 2;
}

size_t padded_size(const GemmRows& a) {
  return round_up(a.m * pairs_of(a.k), 16);
}

// How many factors a row of A has.
size_t factors_of(const Kernels& ks, const GemmRows& a) {
  return ks.i16 != nullptr ? i16_runs(a.k) : 1;
}

// Rows [m0, m0 + n) of A in pairs of halves or of codes.
void convert_rows(const Kernels& ks, const GemmRows& a, size_t m0, size_t n, uint32_t* out, float* factors) {
  const size_t lda = pairs_of(a.k);
  float* rows = nullptr;
  if (a.col != 1 || a.k % 2 != 0 || a.k_factors != nullptr) {
    rows = scratch<float>(n * 2 * lda, ScratchSlot::kConverted);
    if (a.col == 1)
      for (size_t r = 0; r < n; ++r)
        std::memcpy(rows + r * 2 * lda, a.a + (m0 + r) * a.row, a.k * sizeof(float));
    else
      ks.transpose32(a.k, n, reinterpret_cast<const uint32_t*>(a.a + m0 * a.row), a.col,
                     reinterpret_cast<uint32_t*>(rows), 2 * lda);
    if (a.k % 2 != 0)
      for (size_t r = 0; r < n; ++r) rows[r * 2 * lda + a.k] = 0;
    if (a.k_factors != nullptr)
      for (size_t r = 0; r < n; ++r)
        ks.scale_mul(a.k, 1.0f, rows + r * 2 * lda, a.k_factors, rows + r * 2 * lda);
  }
  for (size_t r = 0; r < n; ++r) {
    const float* row = rows != nullptr ? rows + r * 2 * lda : a.a + (m0 + r) * a.row;
    uint32_t* pairs = out + (m0 + r) * lda;
    float* factor = factors + (m0 + r) * factors_of(ks, a);
    if (ks.i16 != nullptr)
      ks.i16->encode_row(2 * lda, row, reinterpret_cast<int16_t*>(pairs), factor);
    else
      *factor = row_to_halves(ks, 2 * lda, row, reinterpret_cast<uint16_t*>(pairs));
  }
}

void convert(const Kernels& ks, const GemmRows& a, uint32_t* out, float* factors) {
  constexpr size_t kRows = 16;
  thread_pool().run_near(ceil_div(a.m, kRows), [&](size_t block, int) {
    convert_rows(ks, a, block * kRows, std::min(kRows, a.m - block * kRows), out, factors);
  });
}

}  // namespace

bool multiplies_in_i16(const Kernels& ks, size_t m, size_t n, ComputeMode mode) noexcept {
  return ks.i16 != nullptr && mode != ComputeMode::kPrecise && m >= kMinI16Rows && n >= kMinI16Columns;
}

HalvedTargets::HalvedTargets(const Kernels& ks, std::span<const GemmTarget> targets) {
  for (const GemmTarget& t : targets) terms_.insert(terms_.end(), t.terms.begin(), t.terms.end());
  convert_terms(ks);
  size_t first = 0;
  for (const GemmTarget& t : targets) {
    targets_.push_back({std::span(terms_).subspan(first, t.terms.size()), t.c, t.ldc});
    first += t.terms.size();
  }
}

size_t HalvedTargets::first_like(size_t idx) const {
  const GemmRows& a = terms_[idx].a;
  size_t i = 0;
  while (terms_[i].a.a != a.a || terms_[i].a.k != a.k || terms_[i].a.row != a.row ||
         terms_[i].a.k_factors != a.k_factors)
    ++i;
  return i;
}

void HalvedTargets::convert_terms(const Kernels& ks) {
  size_t size = 0, n_factors = 0;
  for (size_t i = 0; i < terms_.size(); ++i) {
    GemmRows& a = terms_[i].a;
    // What is kept is in bf16.
    if (ks.i16 != nullptr || (ks.f16 != nullptr && a.factors == nullptr)) a.halves = nullptr;
    if (a.halves != nullptr || first_like(i) != i) continue;
    size += padded_size(a);
    n_factors += a.m * factors_of(ks, a);
  }
  auto* out = scratch<uint32_t>(size, ScratchSlot::kHalves);
  float* factors = scratch<float>(n_factors, ScratchSlot::kRowScales);
  for (size_t i = 0; i < terms_.size(); ++i) {
    GemmRows& a = terms_[i].a;
    if (a.halves != nullptr) continue;
    const size_t first = first_like(i);
    a.halves = first < i ? terms_[first].a.halves : out;
    a.factors = first < i ? terms_[first].a.factors : factors;
    if (first < i) continue;
    convert(ks, a, out, factors);
    out += padded_size(a);
    factors += a.m * factors_of(ks, a);
  }
}

}  // namespace hone
