// Qwen 3 (dense): Llama's wiring with a norm of every query and key head, heads of a width of their own, and
// RoPE over the two halves of a head. (Yang et al. 2025)
#include "models/architecture_list.h"
#include "models/family.h"

namespace hone {
namespace {

constexpr TensorRow kTensors[] = {
    kTokenEmbdRow, kOutputNormRow, kOutputRow,     kAttnNormRow, kAttnQRow,   kAttnKRow, kAttnVRow,
    kAttnQNormRow, kAttnKNormRow,  kAttnOutputRow, kFfnNormRow,  kFfnGateRow, kFfnUpRow, kFfnDownRow,
};

ModelConfig config_from_gguf(const Metadata& metadata) {
  return shared_config(metadata, "qwen3");
}

void metadata_from_hf(const nlohmann::json& config, Metadata& out) {
  require_hf(config, "hidden_act", "silu");
  require_hf(config, "attention_bias", false);
  require_hf(config, "use_sliding_window", false);
  require_plain_rope(rope_object(config));
  nlohmann::json filled = config;
  if (json_find(filled, "head_dim") == nullptr) filled["head_dim"] = 128;  // transformers' default
  shared_metadata(filled, "qwen3", rope_object(config), out);
}

void hf_from_config(const ModelConfig& config, nlohmann::ordered_json& out) {
  out["architectures"] = {"Qwen3ForCausalLM"};
  out["model_type"] = "qwen3";
  shared_hf(config, out);
  out["hidden_act"] = "silu";
  out["attention_bias"] = false;
  out["use_sliding_window"] = false;
}

}  // namespace

extern const Architecture kArchitectureQwen3{
    .gguf_name = "qwen3",
    .hf_model_type = "qwen3",
    .tensors = kTensors,
    .config_from_gguf = config_from_gguf,
    .metadata_from_hf = metadata_from_hf,
    .hf_from_config = hf_from_config,
};

}  // namespace hone
