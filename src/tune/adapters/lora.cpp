#include "tune/adapters/lora.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "ops/gemm.h"

namespace hone {
namespace {

constexpr std::array kKeys = {
    AdapterTensorKey{.peft = "lora_A.weight", .gguf = "lora_a", .output_rows = false},
    AdapterTensorKey{.peft = "lora_B.weight", .gguf = "lora_b", .output_rows = true},
};

constexpr size_t kMaxRank = 4096;

void validate(const AdapterSettings& settings) {
  if (settings.rank < 1 || settings.rank > kMaxRank)
    fail(ErrorCode::kInvalidArgument, "lora: rank: got {}, expected 1 to {}", settings.rank, kMaxRank);
  if (!(settings.alpha > 0) || !std::isfinite(settings.alpha))
    fail(ErrorCode::kInvalidArgument, "lora: alpha: got {}, expected a positive number", settings.alpha);
  if (!(settings.dropout >= 0 && settings.dropout < 1))
    fail(ErrorCode::kInvalidArgument, "lora: dropout: got {}, expected at least 0 and below 1",
         settings.dropout);
}

std::shared_ptr<LinearAdapter> create(const Linear& linear, const AdapterSettings& settings,
                                      std::shared_ptr<const AdapterPhase> phase, Rng& rng) {
  auto adapter = std::make_shared<LoraAdapter>(linear, settings, std::move(phase));
  adapter->init(rng);
  return adapter;
}

}  // namespace

const AdapterKind kLoraKind = {
    .name = "lora",
    .summary = "low-rank change of each linear layer",
    .peft_type = "LORA",
    .keys = kKeys,
    .validate = validate,
    .create = create,
};

LoraAdapter::LoraAdapter(const Linear& linear, const AdapterSettings& settings,
                         std::shared_ptr<const AdapterPhase> phase)
    : scaling_(adapter_scaling(settings)),
      dropout_(settings.dropout),
      seed_(settings.seed),
      phase_(std::move(phase)) {
  a_.name = linear.name() + ".lora_a";
  a_.value = Tensor::zeros({settings.rank, linear.in_features()});
  b_.name = linear.name() + ".lora_b";
  b_.value = Tensor::zeros({linear.out_features(), settings.rank});
}

void LoraAdapter::init(Rng& rng) {
  const double bound = 1.0 / std::sqrt(static_cast<double>(a_.value.cols()));
  float* a = a_.value.data();
  for (size_t i = 0; i < a_.value.size(); ++i) a[i] = static_cast<float>((2.0 * rng.uniform() - 1.0) * bound);
  std::fill_n(b_.value.data(), b_.value.size(), 0.0f);
}

bool LoraAdapter::b_is_zero() const noexcept {
  const float* b = b_.value.data();
  return std::all_of(b, b + b_.value.size(), [](float value) { return value == 0.0f; });
}

LowRank LoraAdapter::low_rank() {
  LowRank change{&a_, &b_, static_cast<float>(scaling_), b_is_zero(), {}};
  if (dropout_ > 0 && phase_ && phase_->training)
    change.dropout = Dropout{dropout_key(a_.name, seed_, phase_->micro_batch), dropout_};
  return change;
}

void LoraAdapter::merge_rows(const Linear& base, size_t row_begin, size_t n_rows, float* rows) const {
  const size_t rank = a_.value.rows();
  HONE_CHECK(row_begin + n_rows <= b_.value.rows(), "{}: rows {}+{}", base.name(), row_begin, n_rows);
  gemm_nn(n_rows, b_.value.row(row_begin), rank, f32_view(a_.value), rows, base.in_features(),
          {.compute = ComputeMode::kPrecise, .alpha = static_cast<float>(scaling_), .accumulate = true});
}

}  // namespace hone
