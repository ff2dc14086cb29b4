// LoRA (Hu et al. 2021): y = x W^T + scaling * (x A^T) B^T, A (r, in), B (out, r), both f32.
#pragma once

#include "tune/adapters/adapter.h"

namespace hone {

extern const AdapterKind kLoraKind;

class LoraAdapter final : public LinearAdapter {
 public:
  // A and B zero; init() draws A.
  LoraAdapter(const Linear& linear, const AdapterSettings& settings,
              std::shared_ptr<const AdapterPhase> phase);
  // Kaiming-uniform with a = sqrt(5), which is uniform within 1 / sqrt(in): PEFT's start. B zero.
  void init(Rng& rng);

  LowRank low_rank() override;
  void merge_rows(const Linear& base, size_t row_begin, size_t n_rows, float* rows) const override;
  std::vector<Parameter*> parameters() override { return {&a_, &b_}; }

 private:
  bool b_is_zero() const noexcept;

  Parameter a_, b_;
  double scaling_;
  double dropout_;
  uint64_t seed_;
  std::shared_ptr<const AdapterPhase> phase_;
};

}  // namespace hone
