// What the tests of ops, and of what is built on them, share. Included by tests only.
#pragma once

#include <utility>
#include <vector>

#include "base/rng.h"
#include "base/threads.h"
#include "ops/matrix.h"
#include "ops/tensor.h"

namespace hone::testing {

inline Tensor random_tensor(Rng& rng, Tensor::Shape shape, double scale = 1.0) {
  Tensor t = Tensor::empty(std::move(shape));
  for (size_t i = 0; i < t.size(); ++i) t.data()[i] = static_cast<float>(rng.normal() * scale);
  return t;
}

struct Stored {
  std::vector<std::byte> bytes, interleaved;
  std::vector<float> values;  // what the bytes decode to
  MatrixView view;
  MatrixView packed;  // the same, as this machine multiplies it fastest
};

inline Stored store(Rng& rng, FormatId id, size_t rows, size_t cols, double scale = 1.0, float mean = 0.0f) {
  const Format& f = format_of(id);
  const Tensor w = random_tensor(rng, {rows, cols}, scale);
  for (size_t i = 0; i < w.size(); ++i) w.data()[i] += mean;
  Stored s;
  s.bytes.resize(f.bytes(rows * cols));
  f.from_float(w.data(), s.bytes.data(), rows * cols);
  s.values.resize(rows * cols);
  f.to_float(s.bytes.data(), s.values.data(), rows * cols);
  s.view = s.packed = {&f, s.bytes.data(), rows, cols};
  if (const PackedKernels* packing = packing_of(f)) {
    s.interleaved.resize(packed_bytes(*packing, f, rows, cols) + 64);
    s.packed = pack_matrix(*packing, s.view, s.interleaved.data(), &thread_pool());
  }
  return s;
}

inline constexpr FormatId kFormats[] = {FormatId::kF32,  FormatId::kF16,  FormatId::kBF16, FormatId::kQ8_0,
                                        FormatId::kQ4_0, FormatId::kQ4_1, FormatId::kQ5_0, FormatId::kQ5_1};

}  // namespace hone::testing
