// The Llama family: Llama 1 to 3, TinyLlama, SmolLM and other models that keep its tensors and wiring
// (RMS norm, grouped-query attention with RoPE, SwiGLU, no biases).
#include <cmath>
#include <numbers>

#include "base/error.h"
#include "models/architecture_list.h"
#include "models/config_reader.h"

namespace hone {
namespace {

constexpr TensorRow kTensors[] = {
    {.gguf = "token_embd.weight",
     .hf = "model.embed_tokens.weight",
     .role = TensorRole::kTokenEmbd,
     .rows = Dim::kVocab,
     .cols = Dim::kEmbd,
     .per_layer = false},
    {.gguf = "output_norm.weight",
     .hf = "model.norm.weight",
     .role = TensorRole::kOutputNorm,
     .rows = Dim::kNone,
     .cols = Dim::kEmbd,
     .per_layer = false},
    // Absent when the vocabulary projection is tied to the embeddings.
    {.gguf = "output.weight",
     .hf = "lm_head.weight",
     .role = TensorRole::kOutput,
     .rows = Dim::kVocab,
     .cols = Dim::kEmbd,
     .required = false,
     .per_layer = false},
    // Llama 3.1's long-context RoPE; Hugging Face keeps it as numbers in config.json.
    {.gguf = "rope_freqs.weight",
     .hf = "",
     .role = TensorRole::kOther,
     .rows = Dim::kNone,
     .cols = Dim::kRopePairs,
     .required = false,
     .per_layer = false},
    {.gguf = "blk.{}.attn_norm.weight",
     .hf = "model.layers.{}.input_layernorm.weight",
     .role = TensorRole::kAttnNorm,
     .rows = Dim::kNone,
     .cols = Dim::kEmbd},
    {.gguf = "blk.{}.attn_q.weight",
     .hf = "model.layers.{}.self_attn.q_proj.weight",
     .role = TensorRole::kAttnQ,
     .rows = Dim::kQ,
     .cols = Dim::kEmbd,
     .order = RowOrder::kRopeQ,
     .linear = true},
    {.gguf = "blk.{}.attn_k.weight",
     .hf = "model.layers.{}.self_attn.k_proj.weight",
     .role = TensorRole::kAttnK,
     .rows = Dim::kKv,
     .cols = Dim::kEmbd,
     .order = RowOrder::kRopeK,
     .linear = true},
    {.gguf = "blk.{}.attn_v.weight",
     .hf = "model.layers.{}.self_attn.v_proj.weight",
     .role = TensorRole::kAttnV,
     .rows = Dim::kKv,
     .cols = Dim::kEmbd,
     .linear = true},
    {.gguf = "blk.{}.attn_output.weight",
     .hf = "model.layers.{}.self_attn.o_proj.weight",
     .role = TensorRole::kAttnOutput,
     .rows = Dim::kEmbd,
     .cols = Dim::kQ,
     .linear = true},
    {.gguf = "blk.{}.ffn_norm.weight",
     .hf = "model.layers.{}.post_attention_layernorm.weight",
     .role = TensorRole::kFfnNorm,
     .rows = Dim::kNone,
     .cols = Dim::kEmbd},
    {.gguf = "blk.{}.ffn_gate.weight",
     .hf = "model.layers.{}.mlp.gate_proj.weight",
     .role = TensorRole::kFfnGate,
     .rows = Dim::kFf,
     .cols = Dim::kEmbd,
     .linear = true},
    {.gguf = "blk.{}.ffn_up.weight",
     .hf = "model.layers.{}.mlp.up_proj.weight",
     .role = TensorRole::kFfnUp,
     .rows = Dim::kFf,
     .cols = Dim::kEmbd,
     .linear = true},
    {.gguf = "blk.{}.ffn_down.weight",
     .hf = "model.layers.{}.mlp.down_proj.weight",
     .role = TensorRole::kFfnDown,
     .rows = Dim::kEmbd,
     .cols = Dim::kFf,
     .linear = true},
};

constexpr FloatRange kEpsRange{0, 1};
constexpr FloatRange kRopeBaseRange{1, 1e12};
constexpr FloatRange kRopeFactorRange{0, 1e6};

void check_heads(size_t n_heads, size_t n_kv_heads, size_t head_dim) {
  if (n_kv_heads > n_heads || n_heads % n_kv_heads != 0)
    fail(ErrorCode::kCorruption, "attention heads: got {} query and {} key/value heads, expected a multiple",
         n_heads, n_kv_heads);
  if (head_dim % 2 != 0)
    fail(ErrorCode::kCorruption, "head dimension: got {}, expected an even number", head_dim);
  if (n_heads * head_dim > kMaxDim)
    fail(ErrorCode::kCorruption, "attention width: got {} heads of {}, expected at most {} together", n_heads,
         head_dim, kMaxDim);
}

size_t default_head_dim(size_t n_embd, size_t n_heads) {
  if (n_embd % n_heads != 0)
    fail(ErrorCode::kCorruption,
         "head dimension: {} columns do not divide into {} heads, and no head size is given", n_embd,
         n_heads);
  return n_embd / n_heads;
}

size_t read_vocab_size(const Metadata& metadata) {
  std::optional<size_t> n_tokens;
  const MetaValue* tokens = metadata.find("tokenizer.ggml.tokens");
  if (tokens != nullptr && std::holds_alternative<MetaArray>(tokens->value))
    n_tokens = std::get<MetaArray>(tokens->value).size();
  return metadata_size(metadata, "llama.vocab_size", {1, kMaxVocab}, n_tokens);
}

void read_rope_scaling(const Metadata& metadata, ModelConfig& config) {
  const std::string type = metadata.find_string("llama.rope.scaling.type").value_or("none");
  if (type == "none") return;
  if (type != "linear")
    fail(ErrorCode::kNotSupported, "llama.rope.scaling.type: got '{}', hone supports: none, linear", type);
  config.rope_scale = 1.0f / metadata_float(metadata, "llama.rope.scaling.factor", kRopeFactorRange);
}

ModelConfig config_from_gguf(const Metadata& metadata) {
  const SizeRange dim{1, kMaxDim};
  ModelConfig config;
  config.n_layers = metadata_size(metadata, "llama.block_count", {1, kMaxLayers});
  config.n_embd = metadata_size(metadata, "llama.embedding_length", dim);
  config.n_ff = metadata_size(metadata, "llama.feed_forward_length", dim);
  config.n_heads = metadata_size(metadata, "llama.attention.head_count", dim);
  config.n_kv_heads = metadata_size(metadata, "llama.attention.head_count_kv", dim, config.n_heads);
  config.context_length = metadata_size(metadata, "llama.context_length", {1, kMaxContext});
  config.n_vocab = read_vocab_size(metadata);
  if (const std::optional<uint64_t> n_experts = metadata.find_integer("llama.expert_count");
      n_experts.value_or(0) != 0)
    fail(ErrorCode::kNotSupported, "llama.expert_count: got {}, hone does not run mixtures of experts",
         *n_experts);
  config.head_dim = metadata.find("llama.attention.key_length") != nullptr
                        ? metadata_size(metadata, "llama.attention.key_length", dim)
                        : default_head_dim(config.n_embd, config.n_heads);
  check_heads(config.n_heads, config.n_kv_heads, config.head_dim);
  const size_t value_length = metadata_size(metadata, "llama.attention.value_length", dim, config.head_dim);
  if (value_length != config.head_dim)
    fail(ErrorCode::kNotSupported,
         "llama.attention.value_length: got {}, hone needs it equal to key_length {}", value_length,
         config.head_dim);
  config.rope_dim = metadata_size(metadata, "llama.rope.dimension_count", dim, config.head_dim);
  if (config.rope_dim != config.head_dim)
    fail(ErrorCode::kNotSupported, "llama.rope.dimension_count: got {}, hone rotates whole heads of {}",
         config.rope_dim, config.head_dim);
  config.norm_eps = metadata_float(metadata, "llama.attention.layer_norm_rms_epsilon", kEpsRange);
  config.rope_base = metadata_float(metadata, "llama.rope.freq_base", kRopeBaseRange, 10000.0f);
  read_rope_scaling(metadata, config);
  return config;
}

// Newer configs nest everything about RoPE in rope_parameters; older ones have rope_theta and rope_scaling.
const nlohmann::json& rope_object(const nlohmann::json& config) {
  static const nlohmann::json none = nlohmann::json::object();
  for (const char* key : {"rope_parameters", "rope_scaling"}) {
    const nlohmann::json* value = json_find(config, key);
    if (value == nullptr) continue;
    if (!value->is_object())
      fail(ErrorCode::kCorruption, "{}: got a JSON {}, expected an object or null", key, value->type_name());
    return *value;
  }
  return none;
}

std::string rope_type(const nlohmann::json& rope) {
  return json_string(rope, "rope_type", json_string(rope, "type", "default"));
}

void refuse_variants(const nlohmann::json& config) {
  for (const char* key : {"attention_bias", "mlp_bias"})
    if (json_bool(config, key, false))
      fail(ErrorCode::kNotSupported, "{}: got true, hone supports Llama models without biases", key);
  const std::string activation = json_string(config, "hidden_act", "silu");
  if (activation != "silu")
    fail(ErrorCode::kNotSupported, "hidden_act: got '{}', hone supports: silu", activation);
  const std::string type = rope_type(rope_object(config));
  if (type != "default" && type != "linear" && type != "llama3")
    fail(ErrorCode::kNotSupported, "rope_scaling.rope_type: got '{}', hone supports: default, linear, llama3",
         type);
}

// Keys and their order as llama.cpp's converter writes them.
void metadata_from_hf(const nlohmann::json& config, Metadata& out) {
  refuse_variants(config);
  const SizeRange dim{1, kMaxDim};
  const auto set = [&out](const char* key, size_t value) { out.set_u32(key, static_cast<uint32_t>(value)); };
  const size_t n_embd = json_size(config, "hidden_size", dim);
  const size_t n_heads = json_size(config, "num_attention_heads", dim);
  const size_t n_kv_heads = json_size(config, "num_key_value_heads", dim, n_heads);
  const bool has_head_dim = json_find(config, "head_dim") != nullptr;
  const size_t head_dim =
      has_head_dim ? json_size(config, "head_dim", dim) : default_head_dim(n_embd, n_heads);
  check_heads(n_heads, n_kv_heads, head_dim);
  set("llama.block_count", json_size(config, "num_hidden_layers", {1, kMaxLayers}));
  set("llama.context_length", json_size(config, "max_position_embeddings", {1, kMaxContext}));
  set("llama.embedding_length", n_embd);
  set("llama.feed_forward_length", json_size(config, "intermediate_size", dim));
  set("llama.attention.head_count", n_heads);
  set("llama.attention.head_count_kv", n_kv_heads);
  const nlohmann::json& rope = rope_object(config);
  const nlohmann::json& theta_owner = json_find(rope, "rope_theta") != nullptr ? rope : config;
  out.set_f32("llama.rope.freq_base",
              static_cast<float>(json_float(theta_owner, "rope_theta", kRopeBaseRange, 1e4)));
  out.set_f32("llama.attention.layer_norm_rms_epsilon",
              static_cast<float>(json_float(config, "rms_norm_eps", kEpsRange, 1e-6)));
  if (has_head_dim) {
    set("llama.attention.key_length", head_dim);
    set("llama.attention.value_length", head_dim);
  }
  set("llama.vocab_size", json_size(config, "vocab_size", {1, kMaxVocab}));
  set("llama.rope.dimension_count", head_dim);
  if (rope_type(rope) == "linear") {
    out.set_string("llama.rope.scaling.type", "linear");
    out.set_f32("llama.rope.scaling.factor",
                static_cast<float>(json_float(rope, "factor", kRopeFactorRange)));
  }
}

// Llama 3.1's rule: short wavelengths stay, long ones are slowed by `factor`, those between are blended.
struct Llama3Rope {
  double factor = 8, low_freq_factor = 1, high_freq_factor = 4, original_context = 8192;
};

std::vector<float> llama3_factors(const Llama3Rope& rope, double base, size_t head_dim) {
  std::vector<float> factors(head_dim / 2);
  for (size_t i = 0; i < factors.size(); ++i) {
    const double exponent = 2.0 * static_cast<double>(i) / static_cast<double>(head_dim);
    const double wavelength = 2 * std::numbers::pi * std::pow(base, exponent);
    double factor = 1;
    if (wavelength > rope.original_context / rope.low_freq_factor) {
      factor = rope.factor;
    } else if (wavelength >= rope.original_context / rope.high_freq_factor) {
      const double smooth = (rope.original_context / wavelength - rope.low_freq_factor) /
                            (rope.high_freq_factor - rope.low_freq_factor);
      factor = 1 / ((1 - smooth) / rope.factor + smooth);
    }
    factors[i] = static_cast<float>(factor);
  }
  return factors;
}

std::vector<float> rope_factors_from_hf(const nlohmann::json& config) {
  const nlohmann::json& rope = rope_object(config);
  if (rope_type(rope) != "llama3") return {};
  Llama3Rope parameters;
  parameters.factor = json_float(rope, "factor", kRopeFactorRange, parameters.factor);
  parameters.low_freq_factor =
      json_float(rope, "low_freq_factor", kRopeFactorRange, parameters.low_freq_factor);
  parameters.high_freq_factor =
      json_float(rope, "high_freq_factor", kRopeFactorRange, parameters.high_freq_factor);
  parameters.original_context =
      json_float(rope, "original_max_position_embeddings", {0, 1e9}, parameters.original_context);
  if (parameters.low_freq_factor >= parameters.high_freq_factor)
    fail(ErrorCode::kCorruption,
         "rope_scaling.low_freq_factor: got {}, expected less than high_freq_factor {}",
         parameters.low_freq_factor, parameters.high_freq_factor);
  Metadata hyperparameters;
  metadata_from_hf(config, hyperparameters);
  const auto head_dim = static_cast<size_t>(hyperparameters.integer("llama.rope.dimension_count"));
  return llama3_factors(parameters, hyperparameters.number("llama.rope.freq_base"), head_dim);
}

// The first factor that the rule does not give; the number of factors when it gives all.
size_t first_difference(const std::vector<float>& factors, const std::vector<float>& expected) {
  size_t i = 0;
  while (i < factors.size() && std::abs(expected[i] - factors[i]) <= 1e-4f * expected[i]) ++i;
  return i;
}

// rope_freqs.weight back into Llama 3.1's numbers: the factor is its last value; the original context is a
// power of two (8192 in the published models, tried first).
nlohmann::ordered_json llama3_scaling(const ModelConfig& config) {
  Llama3Rope rope;
  rope.factor = static_cast<double>(config.rope_factors.back());
  const auto difference = [&] {
    return first_difference(config.rope_factors,
                            llama3_factors(rope, static_cast<double>(config.rope_base), config.rope_dim));
  };
  const size_t at = difference();
  bool found = at == config.rope_factors.size();
  for (uint32_t bits = 4; bits <= 20 && !found; ++bits) {
    rope.original_context = static_cast<double>(1u << bits);
    found = difference() == config.rope_factors.size();
  }
  if (!found)
    fail(
        ErrorCode::kNotSupported,
        "rope_freqs.weight: value {} is {}: not Llama 3.1's rule with factor {}; config.json cannot say this",
        at, config.rope_factors[at], rope.factor);
  return {{"rope_type", "llama3"},
          {"factor", rope.factor},
          {"low_freq_factor", rope.low_freq_factor},
          {"high_freq_factor", rope.high_freq_factor},
          {"original_max_position_embeddings", static_cast<uint64_t>(rope.original_context)}};
}

// The shortest decimal that reads back as this float, as people write it: 1e-05, not 9.999999747378752e-06.
double tidy(float value) {
  return std::stod(fmt::format("{}", value));
}

void hf_from_config(const ModelConfig& config, nlohmann::ordered_json& out) {
  out["architectures"] = {"LlamaForCausalLM"};
  out["model_type"] = "llama";
  out["vocab_size"] = config.n_vocab;
  out["hidden_size"] = config.n_embd;
  out["intermediate_size"] = config.n_ff;
  out["num_hidden_layers"] = config.n_layers;
  out["num_attention_heads"] = config.n_heads;
  out["num_key_value_heads"] = config.n_kv_heads;
  out["head_dim"] = config.head_dim;
  out["max_position_embeddings"] = config.context_length;
  out["rms_norm_eps"] = tidy(config.norm_eps);
  out["rope_theta"] = tidy(config.rope_base);
  out["rope_scaling"] = nullptr;
  if (config.rope_scale != 1.0f)
    out["rope_scaling"] = {{"rope_type", "linear"}, {"factor", tidy(1.0f / config.rope_scale)}};
  if (!config.rope_factors.empty()) out["rope_scaling"] = llama3_scaling(config);
  out["hidden_act"] = "silu";
  out["attention_bias"] = false;
  out["mlp_bias"] = false;
  out["tie_word_embeddings"] = config.tied_embeddings;
}

}  // namespace

extern const Architecture kArchitectureLlama{
    .gguf_name = "llama",
    .hf_model_type = "llama",
    .tensors = kTensors,
    .rope_interleaved = true,
    .config_from_gguf = config_from_gguf,
    .metadata_from_hf = metadata_from_hf,
    .rope_factors_from_hf = rope_factors_from_hf,
    .hf_from_config = hf_from_config,
};

}  // namespace hone
