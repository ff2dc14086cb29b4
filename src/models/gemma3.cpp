// Gemma 3 (text): norms before and after attention and feed-forward and of every query and key head, GeGLU,
// embeddings times sqrt(C), and five layers that see a window for each one that sees everything, with a RoPE
// base of their own. (Gemma Team 2025)
#include <cmath>

#include "base/error.h"
#include "models/architecture_list.h"
#include "models/family.h"

namespace hone {
namespace {

constexpr size_t kPeriod = 6;         // of layers: the last of six sees everything
constexpr size_t kLayersOf27B = 62;   // its scale of attention differs, and GGUF does not say it
constexpr float kWindowBase = 10000;  // of the RoPE of layers with a window

// Hugging Face's norms multiply by 1 + w; GGUF holds the sum.
constexpr TensorRow gemma_norm(TensorRow row) {
  return with_offset(row, 1);
}

constexpr TensorRow kTensors[] = {
    kTokenEmbdRow,
    gemma_norm(kOutputNormRow),
    kOutputRow,
    gemma_norm(kAttnNormRow),
    kAttnQRow,
    kAttnKRow,
    kAttnVRow,
    gemma_norm(kAttnQNormRow),
    gemma_norm(kAttnKNormRow),
    kAttnOutputRow,
    gemma_norm(norm_row("blk.{}.post_attention_norm.weight",
                        "model.layers.{}.post_attention_layernorm.weight", TensorRole::kAttnPostNorm)),
    gemma_norm(norm_row("blk.{}.ffn_norm.weight", "model.layers.{}.pre_feedforward_layernorm.weight",
                        TensorRole::kFfnNorm)),
    kFfnGateRow,
    kFfnUpRow,
    kFfnDownRow,
    gemma_norm(norm_row("blk.{}.post_ffw_norm.weight", "model.layers.{}.post_feedforward_layernorm.weight",
                        TensorRole::kFfnPostNorm)),
};

// What the square of the scale of attention is 1 over.
double scale_divisor(const ModelConfig& config) {
  return config.n_layers == kLayersOf27B
             ? static_cast<double>(config.n_embd) / static_cast<double>(config.n_heads)
             : static_cast<double>(config.head_dim);
}

ModelConfig config_from_gguf(const Metadata& metadata) {
  ModelConfig config = shared_config(metadata, "gemma3");
  const size_t window = metadata_size(metadata, "gemma3.attention.sliding_window", {1, kMaxContext});
  const size_t period =
      metadata_size(metadata, "gemma3.attention.sliding_window_pattern", {1, kMaxLayers + 1}, kPeriod);
  for (size_t layer = 0; layer < config.n_layers; ++layer)
    config.windows.push_back((layer + 1) % period == 0 ? 0 : window);
  config.rope_base = metadata_float(metadata, "gemma3.rope.freq_base", kRopeBaseRange, 1e6f);
  config.window_rope_base =
      metadata_float(metadata, "gemma3.rope.freq_base_swa", kRopeBaseRange, kWindowBase);
  for (const char* key : {"gemma3.attn_logit_softcapping", "gemma3.final_logit_softcapping"})
    if (metadata.find_number(key).value_or(0) != 0)
      fail(ErrorCode::kNotSupported, "{}: got {}, hone runs Gemma 3, which has none", key,
           *metadata.find_number(key));
  config.activation = Activation::kGelu;
  config.embedding_scale = std::sqrt(static_cast<float>(config.n_embd));
  config.attention_scale = static_cast<float>(1 / std::sqrt(scale_divisor(config)));
  return config;
}

// layer_types, or in older files only the period.
size_t period_of(const nlohmann::json& config, size_t n_layers) {
  const nlohmann::json* types = json_find(config, "layer_types");
  const size_t said = json_size(config, "sliding_window_pattern", {1, kMaxLayers + 1},
                                json_size(config, "_sliding_window_pattern", {1, kMaxLayers + 1}, kPeriod));
  if (types == nullptr) return said;
  if (!types->is_array() || types->size() != n_layers)
    fail(ErrorCode::kCorruption, "layer_types: expected a list of {} names, one a layer", n_layers);
  size_t period = 1;
  while (period <= n_layers && (*types)[period - 1] == "sliding_attention") ++period;
  if (period > n_layers) return std::max(period, said);
  for (size_t layer = 0; layer < n_layers; ++layer)
    if ((*types)[layer] != ((layer + 1) % period == 0 ? "full_attention" : "sliding_attention"))
      fail(ErrorCode::kNotSupported,
           "layer_types: layer {}: expected full_attention in every {}th layer and sliding_attention in the "
           "others",
           layer, period);
  return period;
}

void refuse_variants(const nlohmann::json& config) {
  require_hf(config, "hidden_activation", "gelu_pytorch_tanh");
  require_hf(config, "attention_bias", false);
  require_hf(config, "use_bidirectional_attention", false);
  for (const char* key : {"attn_logit_softcapping", "final_logit_softcapping"})
    require_hf(config, key, nullptr);
}

// Newer files have an object for each kind of layer.
const nlohmann::json& rope_of(const nlohmann::json& config, const char* kind) {
  const nlohmann::json& rope = rope_object(config);
  const nlohmann::json* of_kind = json_find(rope, kind);
  if (of_kind == nullptr) return rope;
  if (!of_kind->is_object())
    fail(ErrorCode::kCorruption, "rope_parameters.{}: got a JSON {}, expected an object", kind,
         of_kind->type_name());
  return *of_kind;
}

void metadata_from_hf(const nlohmann::json& config, Metadata& out) {
  refuse_variants(config);
  const nlohmann::json& rope = rope_of(config, "full_attention");
  require_plain_rope(rope);
  nlohmann::json filled = config;
  // transformers' defaults, where they are not the other families'.
  for (const auto& [key, value] : {std::pair{"head_dim", nlohmann::json(256)}, {"rope_theta", 1e6}})
    if (json_find(filled, key) == nullptr) filled[key] = value;
  shared_metadata(filled, "gemma3", rope, out);
  out.set_u32("gemma3.attention.sliding_window",
              static_cast<uint32_t>(json_size(config, "sliding_window", {1, kMaxContext})));
  const auto n_layers = static_cast<size_t>(out.integer("gemma3.block_count"));
  if (const size_t period = period_of(config, n_layers); period != kPeriod)
    out.set_u32("gemma3.attention.sliding_window_pattern", static_cast<uint32_t>(period));
  const double local = json_float(config, "rope_local_base_freq", kRopeBaseRange, kWindowBase);
  const nlohmann::json& window_rope = rope_of(config, "sliding_attention");
  const bool nested = json_find(rope_object(config), "sliding_attention") != nullptr;
  if (nested && rope_type(window_rope) != "default")
    fail(ErrorCode::kNotSupported,
         "rope_parameters.sliding_attention.rope_type: got '{}', hone supports: default",
         rope_type(window_rope));
  out.set_f32(
      "gemma3.rope.freq_base_swa",
      static_cast<float>(nested ? json_float(window_rope, "rope_theta", kRopeBaseRange, local) : local));
  const double divisor = scale_divisor(config_from_gguf(out));
  const double scalar = json_float(config, "query_pre_attn_scalar", {0, 1e9}, 256.0);
  if (std::abs(scalar - divisor) > 1e-6 * divisor)
    fail(ErrorCode::kNotSupported,
         "query_pre_attn_scalar: got {}, GGUF implies {} for these heads and layers and has no place for "
         "another",
         scalar, divisor);
}

void hf_from_config(const ModelConfig& config, nlohmann::ordered_json& out) {
  out["architectures"] = {"Gemma3ForCausalLM"};
  out["model_type"] = "gemma3_text";
  shared_hf(config, out);
  out["rope_local_base_freq"] = tidy(config.window_rope_base);
  out["hidden_activation"] = "gelu_pytorch_tanh";
  out["query_pre_attn_scalar"] =
      static_cast<uint64_t>(std::llround(scale_divisor(config)));  // transformers wants a whole number
  out["attention_bias"] = false;
  auto types = nlohmann::ordered_json::array();
  for (const size_t window : config.windows) {
    types.push_back(window != 0 ? "sliding_attention" : "full_attention");
    if (window != 0) out["sliding_window"] = window;
  }
  out["layer_types"] = types;
}

}  // namespace

extern const Architecture kArchitectureGemma3{
    .gguf_name = "gemma3",
    .hf_model_type = "gemma3_text",
    .tensors = kTensors,
    .tied_by_default = true,
    .config_from_gguf = config_from_gguf,
    .metadata_from_hf = metadata_from_hf,
    .hf_from_config = hf_from_config,
};

}  // namespace hone
