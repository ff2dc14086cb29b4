// Phi 3 with a short context: Llama's wiring, queries, keys and values from one matrix, gate and up from
// another, RoPE over halves, and a window in every layer that config.json may ask for. (Abdin et al. 2024)
#include "base/error.h"
#include "models/architecture_list.h"
#include "models/family.h"

namespace hone {
namespace {

constexpr TensorRow kTensors[] = {
    kTokenEmbdRow,
    kOutputNormRow,
    kOutputRow,
    kAttnNormRow,
    linear_row("blk.{}.attn_qkv.weight", "model.layers.{}.self_attn.qkv_proj.weight", TensorRole::kAttnQkv,
               Dim::kQkv, Dim::kEmbd),
    kAttnOutputRow,
    kFfnNormRow,
    linear_row("blk.{}.ffn_up.weight", "model.layers.{}.mlp.gate_up_proj.weight", TensorRole::kFfnGateUp,
               Dim::kGateUp, Dim::kEmbd),
    kFfnDownRow,
};

ModelConfig config_from_gguf(const Metadata& metadata) {
  ModelConfig config = shared_config(metadata, "phi3");
  const char* key = "phi3.attention.sliding_window";
  // Converters write 0, or a window as wide as the context, for none.
  const size_t window = metadata_size(metadata, key, {0, kMaxContext}, 0);
  if (window == 0 || window >= config.context_length) return config;
  if (config.rope_scale != 1.0f)
    fail(ErrorCode::kNotSupported, "{}: got {} beside phi3.rope.scaling.type linear, hone runs either", key,
         window);
  config.windows.assign(config.n_layers, window);
  config.window_rope_base = config.rope_base;
  return config;
}

void metadata_from_hf(const nlohmann::json& config, Metadata& out) {
  const nlohmann::json& rope = rope_object(config);
  require_hf(config, "hidden_act", "silu");
  require_plain_rope(rope);
  for (const nlohmann::json* owner : {&config, &rope}) require_hf(*owner, "partial_rotary_factor", 1.0);
  shared_metadata(config, "phi3", rope, out);
  if (json_find(config, "sliding_window") != nullptr)
    out.set_u32("phi3.attention.sliding_window",
                static_cast<uint32_t>(json_size(config, "sliding_window", {1, kMaxContext})));
  config_from_gguf(out);
}

void hf_from_config(const ModelConfig& config, nlohmann::ordered_json& out) {
  out["architectures"] = {"Phi3ForCausalLM"};
  out["model_type"] = "phi3";
  shared_hf(config, out);
  out["hidden_act"] = "silu";
  out["original_max_position_embeddings"] = config.context_length;
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
    .hf_from_config = hf_from_config,
};

}  // namespace hone
