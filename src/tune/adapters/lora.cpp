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

uint64_t mix(uint64_t z) noexcept {
  z += 0x9e3779b97f4a7c15ull;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

uint64_t seed_of_name(const std::string& name, uint64_t seed) noexcept {
  uint64_t h = mix(seed);
  for (const char c : name) h = mix(h ^ static_cast<unsigned char>(c));
  return h;
}

// x times a mask that is a pure function of (key, position): recomputing a block draws the same one.
void multiply_by_mask(uint64_t key, double rate, const float* x, float* out, size_t n, bool accumulate) {
  const float scale = static_cast<float>(1.0 / (1.0 - rate));
  const uint64_t threshold = static_cast<uint64_t>(rate * 0x1p32);
  for (size_t i = 0; i < n; ++i) {
    const float kept = (mix(key + i) >> 32) >= threshold ? x[i] * scale : 0.0f;
    out[i] = accumulate ? out[i] + kept : kept;
  }
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
      dropout_seed_(seed_of_name(linear.name(), settings.seed)),
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

Tensor LoraAdapter::apply(OpContext& ctx, const Linear& base, const Tensor& x, Tensor base_y) {
  HONE_CHECK(x.cols() == a_.value.cols() && base_y.cols() == b_.value.rows(), "{}: {} -> {}", base.name(),
             x.cols(), base_y.cols());
  const bool dropping = dropout_ > 0 && phase_ && phase_->training;
  const uint64_t mask_key = dropping ? mix(dropout_seed_ ^ mix(phase_->micro_batch)) : 0;
  Tensor input = x;
  if (dropping) {
    input = Tensor::empty(x.shape());
    multiply_by_mask(mask_key, dropout_, x.data(), input.data(), x.size(), false);
  }
  const size_t n_tokens = x.rows(), rank = a_.value.rows(), in = a_.value.cols(), out = b_.value.rows();
  const GemmOptions plain{.compute = ctx.compute};
  Tensor low = Tensor::empty({n_tokens, rank});
  gemm_nt(n_tokens, input.data(), in, f32_view(a_.value), low.data(), rank, plain);
  const float scaling = static_cast<float>(scaling_);
  // Adding zeros would turn -0 into +0.
  if (!b_is_zero()) {
    gemm_nt(n_tokens, low.data(), rank, f32_view(b_.value), base_y.data(), out,
            {.compute = ctx.compute, .alpha = scaling, .accumulate = true});
  }
  if (ctx.tape == nullptr) return base_y;

  ctx.tape->require(base_y);
  const bool need_dx = ctx.tape->requires_grad(x);
  const Tensor y = base_y.without_values();
  const ComputeMode compute = ctx.compute;
  ctx.tape->record([=, this, x = x.without_values()](Tape& tape) {
    if (!tape.has_grad(y)) return;
    // Only read: the base layer's closure runs after this one and takes the gradient.
    const Tensor dy = tape.grad(y);
    const GemmOptions adding{.compute = compute, .alpha = 1.0f, .accumulate = true};
    Tensor dlow = Tensor::empty({n_tokens, rank});
    gemm_nn(n_tokens, dy.data(), out, f32_view(b_.value), dlow.data(), rank,
            {.compute = compute, .alpha = scaling});
    gemm_tn(out, dy.data(), out, f32_view(low), b_.ensure_grad().data(), rank,
            {.compute = compute, .alpha = scaling, .accumulate = true});
    gemm_tn(rank, dlow.data(), rank, f32_view(input.data(), n_tokens, in), a_.ensure_grad().data(), in,
            adding);
    if (!need_dx) return;
    if (!dropping && tape.has_grad(x)) {
      gemm_nn(n_tokens, dlow.data(), rank, f32_view(a_.value), tape.grad(x).data(), in, adding);
      return;
    }
    Tensor dx = Tensor::empty(x.shape());
    gemm_nn(n_tokens, dlow.data(), rank, f32_view(a_.value), dx.data(), in, {.compute = compute});
    if (dropping) multiply_by_mask(mask_key, dropout_, dx.data(), dx.data(), dx.size(), false);
    tape.add_grad(x, std::move(dx));
  });
  return base_y;
}

void LoraAdapter::merge_rows(const Linear& base, size_t row_begin, size_t n_rows, float* rows) const {
  const size_t rank = a_.value.rows();
  HONE_CHECK(row_begin + n_rows <= b_.value.rows(), "{}: rows {}+{}", base.name(), row_begin, n_rows);
  gemm_nn(n_rows, b_.value.row(row_begin), rank, f32_view(a_.value), rows, base.in_features(),
          {.compute = ComputeMode::kPrecise, .alpha = static_cast<float>(scaling_), .accumulate = true});
}

}  // namespace hone
