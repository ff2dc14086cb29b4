// Phi 3 and 4 mini: Llama's wiring, queries, keys and values from one matrix, gate and up from another, RoPE
// over halves of a head or of its first columns, and a window in every layer that config.json may ask for.
// Models of a long context turn texts that fit their original one with Long RoPE's short factors, longer ones
// with the long factors. (Abdin et al. 2024)
#include <cmath>

#include "base/error.h"
#include "models/architecture_list.h"
#include "models/family.h"

namespace hone {
namespace {

constexpr TensorRow kTensors[] = {
    kTokenEmbdRow,
    kOutputNormRow,
    kOutputRow,
    rope_factors_row(kRopeLong),
    rope_factors_row(kRopeShort),
    kAttnNormRow,
    linear_row("blk.{}.attn_qkv.weight", "model.layers.{}.self_attn.qkv_proj.weight", TensorRole::kAttnQkv,
               Dim::kQkv, Dim::kEmbd),
    kAttnOutputRow,
    kFfnNormRow,
    linear_row("blk.{}.ffn_up.weight", "model.layers.{}.mlp.gate_up_proj.weight", TensorRole::kFfnGateUp,
               Dim::kGateUp, Dim::kEmbd),
    kFfnDownRow,
};

constexpr const char *kWindow = "phi3.attention.sliding_window", *kScaling = "phi3.rope.scaling.type",
                     *kOriginal = "phi3.rope.scaling.original_context_length",
                     *kMagnitude = "phi3.rope.scaling.attn_factor";
constexpr FloatRange kMagnitudeRange{0, 100};

// Published files may lack the type, and tell by the original context alone.
void read_long_rope(const Metadata& metadata, ModelConfig& config) {
  const size_t original = metadata_size(metadata, kOriginal, {1, kMaxContext}, config.context_length);
  const bool named = metadata.find_string(kScaling).value_or("") == "longrope";
  if (!named && original >= config.context_length) return;
  config.short_context_length = std::min(original, config.context_length);
  config.rope_magnitude = metadata_float(metadata, kMagnitude, kMagnitudeRange, 1.0f);
}

ModelConfig config_from_gguf(const Metadata& metadata) {
  ModelConfig config = shared_config(metadata, "phi3", {.partial = true, .longrope = true});
  read_long_rope(metadata, config);
  // Converters write 0, or a window as wide as the context, for none.
  const size_t window = metadata_size(metadata, kWindow, {0, kMaxContext}, 0);
  if (window == 0 || window >= config.context_length) return config;
  if (config.rope_scale != 1.0f || config.short_context_length != 0)
    fail(ErrorCode::kNotSupported, "{}: got {} beside {} {}, hone runs either", kWindow, window, kScaling,
         config.short_context_length != 0 ? "longrope" : "linear");
  config.windows.assign(config.n_layers, window);
  config.window_rope_base = config.rope_base;
  return config;
}

// "su" is what the first of these models called it.
bool has_long_rope(const nlohmann::json& rope) {
  const std::string type = rope_type(rope);
  return type == "longrope" || type == "su";
}

// Of config.json itself, or of its object about RoPE.
const nlohmann::json& owner_of(const nlohmann::json& config, const char* key) {
  const nlohmann::json& rope = rope_object(config);
  return json_find(rope, key) != nullptr ? rope : config;
}

// The paper's rule for how much sharper attention is.
double default_magnitude(double factor, size_t original) {
  return factor <= 1 ? 1 : std::sqrt(1 + std::log(factor) / std::log(static_cast<double>(original)));
}

size_t original_context(const nlohmann::json& config) {
  const char* key = "original_max_position_embeddings";
  return json_size(owner_of(config, key), key, {2, kMaxContext});
}

void long_rope_metadata(const nlohmann::json& config, const nlohmann::json& rope, Metadata& out) {
  const size_t original = original_context(config);
  const auto whole = static_cast<double>(json_size(config, "max_position_embeddings", {1, kMaxContext}));
  const double factor = json_float(rope, "factor", kRopeFactorRange, whole / static_cast<double>(original));
  out.set_string(kScaling, "longrope");
  out.set_u32(kOriginal, static_cast<uint32_t>(original));
  out.set_f32(kMagnitude, static_cast<float>(json_float(rope, "attention_factor", kMagnitudeRange,
                                                        default_magnitude(factor, original))));
}

void metadata_from_hf(const nlohmann::json& config, Metadata& out) {
  const nlohmann::json& rope = rope_object(config);
  require_hf(config, "hidden_act", "silu");
  if (!has_long_rope(rope)) require_plain_rope(rope);
  nlohmann::json filled = config;
  filled.emplace("rms_norm_eps", 1e-5);  // transformers' default for this family
  shared_metadata(filled, "phi3", rope, out);
  const char* key = "partial_rotary_factor";
  const double part = json_float(owner_of(config, key), key, {0, 1}, 1);
  const auto whole = static_cast<double>(out.integer("phi3.rope.dimension_count"));
  out.set_u32("phi3.rope.dimension_count", static_cast<uint32_t>(whole * part));
  if (has_long_rope(rope)) long_rope_metadata(config, rope, out);
  if (json_find(config, "sliding_window") != nullptr)
    out.set_u32(kWindow, static_cast<uint32_t>(json_size(config, "sliding_window", {1, kMaxContext})));
  config_from_gguf(out);
}

std::vector<float> factors_of(const nlohmann::json& rope, const char* key, size_t pairs) {
  const nlohmann::json* list = json_find(rope, key);
  const auto wrong = [&](const std::string& got) {
    fail(ErrorCode::kCorruption, "rope_scaling.{}: got {}, expected {} numbers > 0", key, got, pairs);
  };
  if (list == nullptr || !list->is_array()) wrong(list == nullptr ? "none" : list->type_name());
  if (list->size() != pairs) wrong(fmt::to_string(list->size()));
  std::vector<float> out;
  for (const nlohmann::json& value : *list) {
    if (!value.is_number() || !(value.get<double>() > 0))
      wrong(value.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace));
    out.push_back(value.get<float>());
  }
  return out;
}

std::vector<RopeFactors> rope_factors_from_hf(const nlohmann::json& config) {
  const nlohmann::json& rope = rope_object(config);
  if (!has_long_rope(rope)) return {};
  Metadata hyperparameters;
  metadata_from_hf(config, hyperparameters);
  const auto pairs = static_cast<size_t>(hyperparameters.integer("phi3.rope.dimension_count")) / 2;
  return {{kRopeLong, factors_of(rope, "long_factor", pairs)},
          {kRopeShort, factors_of(rope, "short_factor", pairs)}};
}

std::vector<double> tidy_all(const std::vector<float>& values) {
  std::vector<double> out;
  for (const float value : values) out.push_back(tidy(value));
  return out;
}

// With these keys and no others, which is what older transformers accept; the factor only where it is not the
// paper's.
nlohmann::ordered_json long_rope(const ModelConfig& config) {
  nlohmann::ordered_json out = {{"type", "longrope"},
                                {"short_factor", tidy_all(config.rope_factors)},
                                {"long_factor", tidy_all(config.rope_long_factors)}};
  const double factor =
      static_cast<double>(config.context_length) / static_cast<double>(config.short_context_length);
  if (std::abs(default_magnitude(factor, config.short_context_length) -
               static_cast<double>(config.rope_magnitude)) > 1e-6)
    out["attention_factor"] = tidy(config.rope_magnitude);
  return out;
}

void hf_from_config(const ModelConfig& config, nlohmann::ordered_json& out) {
  out["architectures"] = {"Phi3ForCausalLM"};
  out["model_type"] = "phi3";
  shared_hf(config, out);
  out["hidden_act"] = "silu";
  const bool is_longrope = config.short_context_length != 0;
  out["original_max_position_embeddings"] = is_longrope ? config.short_context_length : config.context_length;
  if (config.rope_dim != config.head_dim)
    out["partial_rotary_factor"] =
        static_cast<double>(config.rope_dim) / static_cast<double>(config.head_dim);
  if (is_longrope) out["rope_scaling"] = long_rope(config);
  out["sliding_window"] = nullptr;
  if (config.window(0) != 0) out["sliding_window"] = config.window(0);
}

}  // namespace

extern const Architecture kArchitecturePhi3{
    .gguf_name = "phi3",
    .hf_model_type = "phi3",
    .tensors = kTensors,
    .config_from_gguf = config_from_gguf,
    .metadata_from_hf = metadata_from_hf,
    .rope_factors_from_hf = rope_factors_from_hf,
    .hf_from_config = hf_from_config,
};

}  // namespace hone
