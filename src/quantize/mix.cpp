#include "quantize/mix.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"
#include "models/architecture.h"

namespace hone {
namespace {

// What a tensor's place in the model says about its format.
struct Place {
  TensorRole role = TensorRole::kOther;
  size_t layer = 0;
};

// In models of about 70B eight query heads share each value: llama.cpp's mixes spend a bit more on them.
bool is_70b(const ModelConfig& config) {
  return config.n_layers == 80 && (config.architecture == "qwen2" ||
                                   (config.architecture == "llama" && config.n_heads != config.n_kv_heads));
}

const Format& by_place(const Mix& mix, const Place& place, const ModelConfig& config) {
  // A matrix that holds the values is as sensitive as they are.
  const TensorRole role = place.role == TensorRole::kAttnQkv ? TensorRole::kAttnV : place.role;
  for (const MixRow& row : mix.rows)
    if (row.role == role &&
        among(row.layers, place.layer, config.n_layers, config.n_heads / config.n_kv_heads))
      return format_of(row.format);
  return format_of(mix.base);
}

const Format& mixed(const Mix& mix, const Place& place, const ModelConfig& config) {
  const Format& format = by_place(mix, place, config);
  const bool is_small = format.id == FormatId::kQ3_K || format.id == FormatId::kQ4_K;
  if (place.role == TensorRole::kAttnV && is_small && is_70b(config)) return format_of(FormatId::kQ5_K);
  return format;
}

// The format by place and options; `tied`: there is no output.weight, the embedding is the vocabulary
// projection.
const Format& wanted_format(const std::string& name, Place place, bool tied, const ModelConfig& config,
                            const QuantizeOptions& options) {
  for (const FormatOverride& o : options.overrides)
    if (matches(o.pattern, name)) return *o.format;
  if (place.role == TensorRole::kTokenEmbd && options.token_embedding != nullptr)
    return *options.token_embedding;
  if (place.role == TensorRole::kTokenEmbd && tied) place.role = TensorRole::kOutput;
  if (place.role == TensorRole::kOutput && options.output_tensor != nullptr) return *options.output_tensor;
  if (options.pure) return format_of(options.target->base);
  return mixed(*options.target, place, config);
}

// For rows that larger blocks do not divide: blocks of 32 with no fewer bits.
constexpr auto kSmallerBlocks = std::to_array<std::pair<FormatId, FormatId>>({
    {FormatId::kQ2_K, FormatId::kQ4_0},
    {FormatId::kQ3_K, FormatId::kQ4_0},
    {FormatId::kQ4_K, FormatId::kQ5_0},
    {FormatId::kQ5_K, FormatId::kQ5_1},
    {FormatId::kQ6_K, FormatId::kQ8_0},
    {FormatId::kIQ4_XS, FormatId::kIQ4_NL},
    {FormatId::kNVFP4, FormatId::kIQ4_NL},
    {FormatId::kTQ1_0, FormatId::kQ4_0},
    {FormatId::kTQ2_0, FormatId::kQ4_0},
});

const Format& fitting(const Format& wanted, size_t columns) {
  if (columns % wanted.block_elems == 0) return wanted;
  for (const auto& [large, small] : kSmallerBlocks)
    if (large == wanted.id && columns % format_of(small).block_elems == 0) return format_of(small);
  return format_of(FormatId::kF16);
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

bool matches(std::string_view pattern, std::string_view name) noexcept {
  // Goes back to the last star when a letter does not fit: linear but for repeated stars.
  size_t p = 0, n = 0, star = std::string_view::npos, from = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      from = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++from;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

namespace {

// A mistyped pattern would change nothing, silently.
void check_overrides(const WeightSource& source, const QuantizeOptions& options) {
  for (const FormatOverride& o : options.overrides) {
    const auto& tensors = source.tensors();
    if (std::none_of(tensors.begin(), tensors.end(), [&](const TensorInfo& info) {
          return info.shape.size() == 2 && matches(o.pattern, info.name);
        }))
      fail(ErrorCode::kInvalidArgument,
           "--tensor-type: got \"{}\", expected a pattern that fits a matrix of {}, such as "
           "blk.0.* or *.ffn_down.weight; hone inspect lists the names",
           o.pattern, source.description());
  }
}

}  // namespace

std::vector<TensorPlan> plan_formats(const WeightSource& source, const QuantizeOptions& options) {
  HONE_CHECK(options.target != nullptr);
  check_overrides(source, options);
  const Architecture& architecture = architecture_named(source.metadata().string("general.architecture"));
  ModelConfig config = architecture.config_from_gguf(source.metadata());
  config.architecture = architecture.gguf_name;
  std::vector<Place> places;
  bool tied = true;
  for (const TensorInfo& info : source.tensors()) {
    Place place;
    if (const TensorRow* row = find_row(architecture, info.name, &place.layer)) place.role = row->role;
    tied = tied && place.role != TensorRole::kOutput;
    places.push_back(place);
  }
  std::vector<TensorPlan> plans;
  for (size_t i = 0; i < places.size(); ++i) {
    const TensorInfo& info = source.tensors()[i];
    TensorPlan plan{.format = info.format, .role = places[i].role};
    if (info.shape.size() == 1) {
      // Norms and biases: their bytes are nothing, their errors are not.
      plan.format = info.format->quantized ? info.format : &format_of(FormatId::kF32);
    } else if (info.shape.size() == 2) {
      const Format& wanted = wanted_format(info.name, places[i], tied, config, options);
      plan.format = &fitting(wanted, info.shape[0]);
      if (plan.format != &wanted) plan.wanted = &wanted;
    }
    if (plan.format != info.format) require_leave(source, info, *plan.format, options);
    plans.push_back(plan);
  }
  return plans;
}

}  // namespace hone
