#include "quantize/mix.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "models/architecture.h"

namespace hone {
namespace {

// Errors of the vocabulary projection go straight to the logits, and it is used once per token: below 8 bits
// it stays at q8_0. (llama.cpp has q6_k or q8_0 there.)
struct MixRow {
  FormatId target;
  TensorRole role;
  FormatId format;
};
constexpr auto kMix = std::to_array<MixRow>({
    {FormatId::kQ4_0, TensorRole::kOutput, FormatId::kQ8_0},
    {FormatId::kQ4_1, TensorRole::kOutput, FormatId::kQ8_0},
    {FormatId::kQ5_0, TensorRole::kOutput, FormatId::kQ8_0},
    {FormatId::kQ5_1, TensorRole::kOutput, FormatId::kQ8_0},
});

const Format& mixed(const Format& target, TensorRole role) {
  for (const MixRow& row : kMix)
    if (row.target == target.id && row.role == role) return format_of(row.format);
  return target;
}

// The format by role and options; `tied`: there is no output.weight, the embedding is the vocabulary
// projection.
const Format& wanted_format(TensorRole role, bool tied, const QuantizeOptions& options) {
  if (role == TensorRole::kTokenEmbd && options.token_embedding != nullptr) return *options.token_embedding;
  const bool vocabulary = role == TensorRole::kOutput || (role == TensorRole::kTokenEmbd && tied);
  if (vocabulary && options.output_tensor != nullptr) return *options.output_tensor;
  if (options.pure) return *options.target;
  return mixed(*options.target, vocabulary ? TensorRole::kOutput : role);
}

bool fits(const Format& format, const TensorInfo& info) {
  return info.shape[0] % format.block_elems == 0;
}

void require_leave(const WeightSource& source, const TensorInfo& info, const Format& to,
                   const QuantizeOptions& options) {
  if (!info.format->quantized || !to.quantized || options.allow_requantize) return;
  fail(ErrorCode::kInvalidArgument,
       "{}: {}: is {} already, expected an unquantized source for {}; rounding twice adds both errors: start "
       "from the "
       "f16 or f32 model, or give --allow-requantize",
       source.description(), info.name, info.format->name, to.name);
}

}  // namespace

std::vector<TensorPlan> plan_formats(const WeightSource& source, const QuantizeOptions& options) {
  HONE_CHECK(options.target != nullptr);
  const Architecture& architecture = architecture_named(source.metadata().string("general.architecture"));
  std::vector<TensorRole> roles;
  for (const TensorInfo& info : source.tensors()) {
    const TensorRow* row = find_row(architecture, info.name);
    roles.push_back(row != nullptr ? row->role : TensorRole::kOther);
  }
  const bool tied = std::find(roles.begin(), roles.end(), TensorRole::kOutput) == roles.end();
  std::vector<TensorPlan> plans;
  for (size_t i = 0; i < roles.size(); ++i) {
    const TensorInfo& info = source.tensors()[i];
    TensorPlan plan{.format = info.format, .role = roles[i], .note = {}};
    if (info.shape.size() == 1) {
      // Norms and biases: their bytes are nothing, their errors are not.
      plan.format = info.format->quantized ? info.format : &format_of(FormatId::kF32);
    } else if (info.shape.size() == 2) {
      plan.format = &wanted_format(plan.role, tied, options);
      if (!fits(*plan.format, info)) {
        plan.note = fmt::format("{}: rows of {} do not divide into blocks of {}: f16 instead of {}",
                                info.name, info.shape[0], plan.format->block_elems, plan.format->name);
        plan.format = &format_of(FormatId::kF16);
      }
    } else {
      plan.note =
          fmt::format("{}: has {} dimensions: kept as {}", info.name, info.shape.size(), info.format->name);
    }
    if (plan.format != info.format) require_leave(source, info, *plan.format, options);
    plans.push_back(std::move(plan));
  }
  return plans;
}

}  // namespace hone
