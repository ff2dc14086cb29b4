#include <algorithm>
#include <array>

#include "base/error.h"
#include "bench_work.h"

namespace hone::cli {
namespace {

constexpr std::array<const BenchWork*, 5> kWorks = {
    &kPrefillWork, &kDecodeWork, &kBatchedDecodeWork, &kTrainWork, &kPerplexityWork,
};

}  // namespace

std::span<const BenchWork* const> all_bench_works() noexcept {
  return kWorks;
}

const BenchWork& bench_work_named(std::string_view name) {
  const auto it =
      std::find_if(kWorks.begin(), kWorks.end(), [&](const BenchWork* w) { return w->name == name; });
  HONE_CHECK(it != kWorks.end(), "work {}", name);
  return **it;
}

std::vector<TokenId> random_tokens(const Model& model, size_t n, Rng& rng) {
  std::vector<TokenId> tokens(n);
  for (TokenId& token : tokens) token = static_cast<TokenId>(rng.below(model.config().n_vocab));
  return tokens;
}

ModelCost::ModelCost(const Model& model) {
  model.for_each_linear([&](size_t layer, const Linear& linear) {
    const double weights =
        static_cast<double>(linear.in_features()) * static_cast<double>(linear.out_features());
    block_weights += weights;
    const bool mixes = linear.role() == TensorRole::kAttnQ || linear.role() == TensorRole::kAttnK ||
                       linear.role() == TensorRole::kAttnV;
    if (layer + 1 == model.config().n_layers && !mixes) late_weights += weights;
    block_bytes += static_cast<double>(linear.out_features() * linear.weight().row_bytes());
    if (linear.format().quantized && int8_outruns_i16(linear.format())) int8_weights += weights;
  });
  head_weights = static_cast<double>(model.head().rows) * static_cast<double>(model.head().cols);
  head_quantized = model.head().format->quantized;
  head_bytes = static_cast<double>(model.head().rows * model.head().row_bytes());
}

Roofs roofs_of(const MachineLimits& machine, const ModelCost& model, bool precise) {
  const double f32 = machine.f32_gflops * 1e9, int8 = machine.int8_gops * 1e9;
  if (precise) return {f32, f32, f32};
  const double floats = machine.floats() * 1e9;
  // Two planes of codes are twice the work.
  const bool planes = model.head_quantized && floats == f32 && int8 > 0;
  const double in_int8 = int8 > 0 ? model.int8_weights / model.block_weights : 0;
  const double weights = 1 / ((in_int8 > 0 ? in_int8 / int8 : 0) + (1 - in_int8) / floats);
  return {weights, int8_is_fastest() && int8 > 0 ? int8 : floats, planes ? int8 / 2 : floats};
}

double limit_of(const WorkCost& cost, const Roofs& roofs, const MachineLimits& machine) {
  const double computing = cost.weight_operations / roofs.weight_operations +
                           cost.frozen_operations / roofs.frozen_operations +
                           cost.head_operations / roofs.head_operations;
  return 1.0 / std::max(computing, cost.bytes / (machine.read_gb_s * 1e9));
}

}  // namespace hone::cli
