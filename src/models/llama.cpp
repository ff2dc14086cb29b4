// The Llama family: Llama 1 to 3, Mistral, TinyLlama, SmolLM and other models that keep its tensors and
// wiring (RMS norm, grouped-query attention with RoPE, SwiGLU, no biases); in Mistral 7B 0.1 every layer sees
// a window.
#include <cmath>
#include <numbers>

#include "base/error.h"
#include "models/architecture_list.h"
#include "models/family.h"

namespace hone {
namespace {

constexpr TensorRow kTensors[] = {
    kTokenEmbdRow,
    kOutputNormRow,
    kOutputRow,
    rope_factors_row(kRopeFreqs),
    kAttnNormRow,
    with_order(kAttnQRow, RowOrder::kRopeQ),
    with_order(kAttnKRow, RowOrder::kRopeK),
    kAttnVRow,
    kAttnOutputRow,
    kFfnNormRow,
    kFfnGateRow,
    kFfnUpRow,
    kFfnDownRow,
};

constexpr const char* kWindowKey = "llama.attention.sliding_window";
constexpr size_t kMistralWindow = 4096;

ModelConfig config_from_gguf(const Metadata& metadata) {
  ModelConfig config = shared_config(metadata, "llama");
  if (metadata.find(kWindowKey) == nullptr) return config;
  config.windows.assign(config.n_layers, metadata_size(metadata, kWindowKey, {1, kMaxContext}));
  config.window_rope_base = config.rope_base;
  if (config.rope_scale != 1.0f)
    fail(ErrorCode::kNotSupported, "{}: got a window and a scaled RoPE, hone supports one of them",
         kWindowKey);
  return config;
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

void metadata_from_hf(const nlohmann::json& config, Metadata& out) {
  refuse_variants(config);
  shared_metadata(config, "llama", rope_object(config), out);
  // A window as long as the context is none.
  if (json_string(config, "model_type") != "mistral") return;
  // Not said: transformers' default. Said to be null: none.
  const bool is_said = config.contains("sliding_window");
  if (is_said && json_find(config, "sliding_window") == nullptr) return;
  const size_t window = json_size(config, "sliding_window", {1, kMaxContext}, kMistralWindow);
  if (window >= json_size(config, "max_position_embeddings", {1, kMaxContext})) return;
  out.set_u32(kWindowKey, static_cast<uint32_t>(window));
  if (rope_type(rope_object(config)) != "default")
    fail(ErrorCode::kNotSupported,
         "sliding_window: got a window and a stretched RoPE, hone supports one of them");
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

std::vector<RopeFactors> rope_factors_from_hf(const nlohmann::json& config) {
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
  return {{kRopeFreqs, llama3_factors(parameters, hyperparameters.number("llama.rope.freq_base"), head_dim)}};
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

void hf_from_config(const ModelConfig& config, nlohmann::ordered_json& out) {
  out["architectures"] = {"LlamaForCausalLM"};
  out["model_type"] = "llama";
  shared_hf(config, out);
  if (!config.rope_factors.empty()) out["rope_scaling"] = llama3_scaling(config);
  out["hidden_act"] = "silu";
  out["attention_bias"] = false;
  out["mlp_bias"] = false;
  if (config.windows.empty()) return;
  out["architectures"] = {"MistralForCausalLM"};
  out["model_type"] = "mistral";
  out["sliding_window"] = config.windows.front();
}

}  // namespace

extern const Architecture kArchitectureLlama{
    .gguf_name = "llama",
    .hf_model_type = "llama",
    .hf_other_type = "mistral",
    .tensors = kTensors,
    .rope_interleaved = true,
    .config_from_gguf = config_from_gguf,
    .metadata_from_hf = metadata_from_hf,
    .rope_factors_from_hf = rope_factors_from_hf,
    .hf_from_config = hf_from_config,
};

}  // namespace hone
