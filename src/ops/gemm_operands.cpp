#include "ops/gemm_operands.h"

#include <algorithm>
#include <cstring>

#include "base/round.h"
#include "base/threads.h"
#include "ops/halves.h"
#include "ops/panel_pack.h"
#include "ops/scratch.h"

namespace hone {
namespace {

// With fewer, converting an operand costs more than its products save.
constexpr size_t kMinI16Rows = 32, kMinI16Columns = 64;

size_t pairs_of(size_t k) {
  return (k + 1) / 2;
}

// Elements of 32 bits that m rows take, and the factors beside them.
size_t size_of(OperandKind kind, const GemmRows& a) {
  return round_up(kind == OperandKind::kInt8 ? Int8Codes::size(a.m, a.k) : a.m * pairs_of(a.k), 16);
}
size_t factors_of(OperandKind kind, const GemmRows& a) {
  if (kind == OperandKind::kInt8) return Int8Codes::n_factors(a.m, a.k);
  return a.m * (kind == OperandKind::kI16 ? i16_runs(a.k) : 1);
}

// Rows [m0, m0 + n) of A in codes of 8 bits.
void encode_rows(const Kernels& ks, const GemmRows& a, size_t m0, size_t n) {
  const Int8Codes codes(a);
  for (size_t i = m0; i < m0 + n; ++i) codes.encode(ks, i, 0, a.k, a.a + i * a.row);
  codes.fill_terms(ks, m0, n);
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
    if (ks.i16 != nullptr)
      ks.i16->encode_row(2 * lda, row, reinterpret_cast<int16_t*>(pairs), factors + (m0 + r) * i16_runs(a.k));
    else
      factors[m0 + r] = row_to_halves(ks, 2 * lda, row, reinterpret_cast<uint16_t*>(pairs));
  }
}

void convert(const Kernels& ks, OperandKind kind, const GemmRows& a, uint32_t* out, float* factors) {
  constexpr size_t kRows = 16;
  thread_pool().run_near(ceil_div(a.m, kRows), [&](size_t block, int) {
    const size_t m0 = block * kRows, n = std::min(kRows, a.m - m0);
    if (kind == OperandKind::kInt8)
      encode_rows(ks, a, m0, n);
    else
      convert_rows(ks, a, m0, n, out, factors);
  });
}

// Whether what the caller has of A is of this kind: what is kept is in bf16, in f16 with factors, or in int8.
bool is_kind(OperandKind kind, const GemmRows& a) {
  if (a.int8) return kind == OperandKind::kInt8;
  return a.halves != nullptr && ((kind == OperandKind::kBf16 && a.factors == nullptr) ||
                                 (kind == OperandKind::kF16 && a.factors != nullptr));
}

}  // namespace

bool multiplies_in_i16(const Kernels& ks, size_t m, size_t n, ComputeMode mode) noexcept {
  return ks.i16 != nullptr && mode != ComputeMode::kPrecise && m >= kMinI16Rows && n >= kMinI16Columns;
}

// For each run of 32 a scale, a term and two sums.
Int8Codes::Int8Codes(size_t m, size_t k, const uint32_t* codes, const float* factors) noexcept {
  const size_t n = m * (k / 32);
  const auto* ints = reinterpret_cast<const int32_t*>(factors);
  rows_ = {reinterpret_cast<const int8_t*>(codes), factors, ints + 2 * n, k};
  terms_ = const_cast<int32_t*>(ints + n);
}

void Int8Codes::encode(const Kernels& ks, size_t m, size_t k0, size_t n, const float* x) const noexcept {
  const Int8Rows at = rows(m, k0);
  ks.quantize_int8(n, x, const_cast<int8_t*>(at.q), const_cast<float*>(at.d), const_cast<int32_t*>(at.sums));
}

void Int8Codes::fill_terms(const Kernels& ks, size_t m, size_t n) const noexcept {
  ks.int8()->run_terms(n, rows(m, 0), terms_ + m * (rows_.k / 32));
}

ConvertedTargets::ConvertedTargets(const Kernels& ks, OperandKind kind, std::span<const GemmTarget> targets) {
  for (const GemmTarget& t : targets) terms_.insert(terms_.end(), t.terms.begin(), t.terms.end());
  convert_terms(ks, kind);
  size_t first = 0;
  for (const GemmTarget& t : targets) {
    targets_.push_back({std::span(terms_).subspan(first, t.terms.size()), t.c, t.ldc});
    first += t.terms.size();
  }
}

size_t ConvertedTargets::first_like(size_t idx) const {
  const GemmRows& a = terms_[idx].a;
  size_t i = 0;
  while (terms_[i].a.a != a.a || terms_[i].a.k != a.k || terms_[i].a.row != a.row ||
         terms_[i].a.k_factors != a.k_factors)
    ++i;
  return i;
}

void ConvertedTargets::convert_terms(const Kernels& ks, OperandKind kind) {
  size_t size = 0, n_factors = 0;
  for (size_t i = 0; i < terms_.size(); ++i) {
    GemmRows& a = terms_[i].a;
    if (!is_kind(kind, a)) a.halves = nullptr;
    if (a.halves != nullptr || first_like(i) != i) continue;
    size += size_of(kind, a);
    n_factors += factors_of(kind, a);
  }
  auto* out = scratch<uint32_t>(size, ScratchSlot::kHalves);
  float* factors = scratch<float>(n_factors, ScratchSlot::kRowScales);
  for (size_t i = 0; i < terms_.size(); ++i) {
    GemmRows& a = terms_[i].a;
    if (a.halves != nullptr) continue;
    const size_t first = first_like(i);
    a.halves = first < i ? terms_[first].a.halves : out;
    a.factors = first < i ? terms_[first].a.factors : factors;
    a.int8 = kind == OperandKind::kInt8;
    if (first < i) continue;
    convert(ks, kind, a, out, factors);
    out += size_of(kind, a);
    factors += factors_of(kind, a);
  }
}

}  // namespace hone
