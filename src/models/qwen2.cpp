// Qwen 2 and 2.5: Llama's wiring with biases on queries, keys and values, and RoPE over the two halves of a
// head. (Yang et al. 2024)
#include "models/architecture_list.h"
#include "models/family.h"

namespace hone {
namespace {

constexpr TensorRow kTensors[] = {
    kTokenEmbdRow,  kOutputNormRow,
    kOutputRow,     kAttnNormRow,
    kAttnQRow,      bias_row("blk.{}.attn_q.bias", "model.layers.{}.self_attn.q_proj.bias", Dim::kQ),
    kAttnKRow,      bias_row("blk.{}.attn_k.bias", "model.layers.{}.self_attn.k_proj.bias", Dim::kKv),
    kAttnVRow,      bias_row("blk.{}.attn_v.bias", "model.layers.{}.self_attn.v_proj.bias", Dim::kKv),
    kAttnOutputRow, kFfnNormRow,
    kFfnGateRow,    kFfnUpRow,
    kFfnDownRow,
};

ModelConfig config_from_gguf(const Metadata& metadata) {
  return shared_config(metadata, "qwen2");
}

void metadata_from_hf(const nlohmann::json& config, Metadata& out) {
  require_hf(config, "hidden_act", "silu");
  require_hf(config, "use_sliding_window", false);
  require_plain_rope(rope_object(config));
  shared_metadata(config, "qwen2", rope_object(config), out);
}

void hf_from_config(const ModelConfig& config, nlohmann::ordered_json& out) {
  out["architectures"] = {"Qwen2ForCausalLM"};
  out["model_type"] = "qwen2";
  shared_hf(config, out);
  out["hidden_act"] = "silu";
  out["use_sliding_window"] = false;
}

}  // namespace

extern const Architecture kArchitectureQwen2{
    .gguf_name = "qwen2",
    .hf_model_type = "qwen2",
    .tensors = kTensors,
    .config_from_gguf = config_from_gguf,
    .metadata_from_hf = metadata_from_hf,
    .hf_from_config = hf_from_config,
};

}  // namespace hone
