// Hyperparameters that most families share; see family.h.
#include "models/family.h"

#include "base/error.h"

namespace hone {
namespace {

constexpr FloatRange kEpsRange{0, 1};

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

size_t read_vocab_size(const Metadata& metadata, const std::string& arch) {
  std::optional<size_t> n_tokens;
  const MetaValue* tokens = metadata.find("tokenizer.ggml.tokens");
  if (tokens != nullptr && std::holds_alternative<MetaArray>(tokens->value))
    n_tokens = std::get<MetaArray>(tokens->value).size();
  const size_t n_vocab = metadata_size(metadata, arch + ".vocab_size", {1, kMaxVocab}, n_tokens);
  if (n_tokens.value_or(0) > n_vocab)
    fail(ErrorCode::kCorruption, "{}.vocab_size: got {}, expected at least one for each of {} tokens", arch,
         n_vocab, *n_tokens);
  return n_vocab;
}

void read_rope_scaling(const Metadata& metadata, const std::string& arch, RopeKinds kinds,
                       ModelConfig& config) {
  const std::string type_key = arch + ".rope.scaling.type", factor_key = arch + ".rope.scaling.factor";
  // Files of 2023 have another key, and no type.
  const std::string old_key = arch + ".rope.scale_linear";
  const bool has_factor = metadata.find(factor_key) != nullptr, has_old = metadata.find(old_key) != nullptr;
  const bool has_type = metadata.find(type_key) != nullptr;
  if (!has_type && (kinds.longrope || (!has_factor && !has_old))) return;
  const std::string type = metadata.find_string(type_key).value_or("linear");
  if (type == "none" || (kinds.longrope && type == "longrope")) return;
  if (type != "linear")
    fail(ErrorCode::kNotSupported, "{}.rope.scaling.type: got '{}', hone supports: none, linear{}", arch,
         type, kinds.longrope ? ", longrope" : "");
  const std::string& key = has_factor || !has_old ? factor_key : old_key;
  // 0, as no factor, is 1 to other readers.
  if (metadata.find(key) == nullptr || metadata.find_number(key).value_or(1) == 0) return;
  config.rope_scale = 1.0f / metadata_float(metadata, key, kRopeFactorRange);
}

}  // namespace

ModelConfig shared_config(const Metadata& metadata, const std::string& arch, RopeKinds kinds) {
  const auto key = [&](const char* name) { return arch + "." + name; };
  const SizeRange dim{1, kMaxDim};
  ModelConfig config;
  config.n_layers = metadata_size(metadata, key("block_count"), {1, kMaxLayers});
  config.n_embd = metadata_size(metadata, key("embedding_length"), dim);
  config.n_ff = metadata_size(metadata, key("feed_forward_length"), dim);
  config.n_heads = metadata_size(metadata, key("attention.head_count"), dim);
  config.n_kv_heads = metadata_size(metadata, key("attention.head_count_kv"), dim, config.n_heads);
  config.context_length = metadata_size(metadata, key("context_length"), {1, kMaxContext});
  config.n_vocab = read_vocab_size(metadata, arch);
  if (const std::optional<uint64_t> n_experts = metadata.find_integer(key("expert_count"));
      n_experts.value_or(0) != 0)
    fail(ErrorCode::kNotSupported, "{}.expert_count: got {}, hone does not run mixtures of experts", arch,
         *n_experts);
  config.head_dim = metadata.find(key("attention.key_length")) != nullptr
                        ? metadata_size(metadata, key("attention.key_length"), dim)
                        : default_head_dim(config.n_embd, config.n_heads);
  check_heads(config.n_heads, config.n_kv_heads, config.head_dim);
  const size_t value_length = metadata_size(metadata, key("attention.value_length"), dim, config.head_dim);
  if (value_length != config.head_dim)
    fail(ErrorCode::kNotSupported, "{}.attention.value_length: got {}, hone needs it equal to key_length {}",
         arch, value_length, config.head_dim);
  config.rope_dim = metadata_size(metadata, key("rope.dimension_count"), dim, config.head_dim);
  const bool fits = kinds.partial ? config.rope_dim <= config.head_dim && config.rope_dim % 2 == 0
                                  : config.rope_dim == config.head_dim;
  if (!fits)
    fail(ErrorCode::kNotSupported, "{}.rope.dimension_count: got {}, hone rotates {} of {}", arch,
         config.rope_dim, kinds.partial ? "an even part" : "the whole", config.head_dim);
  config.norm_eps = metadata_float(metadata, key("attention.layer_norm_rms_epsilon"), kEpsRange);
  config.rope_base = metadata_float(metadata, key("rope.freq_base"), kRopeBaseRange, 10000.0f);
  read_rope_scaling(metadata, arch, kinds, config);
  return config;
}

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

void shared_metadata(const nlohmann::json& config, const std::string& arch, const nlohmann::json& rope,
                     Metadata& out) {
  const auto key = [&](const char* name) { return arch + "." + name; };
  const SizeRange dim{1, kMaxDim};
  const auto set = [&](const char* name, size_t value) {
    out.set_u32(key(name), static_cast<uint32_t>(value));
  };
  const size_t n_embd = json_size(config, "hidden_size", dim);
  const size_t n_heads = json_size(config, "num_attention_heads", dim);
  const size_t n_kv_heads = json_size(config, "num_key_value_heads", dim, n_heads);
  const bool has_head_dim = json_find(config, "head_dim") != nullptr;
  const size_t head_dim =
      has_head_dim ? json_size(config, "head_dim", dim) : default_head_dim(n_embd, n_heads);
  check_heads(n_heads, n_kv_heads, head_dim);
  set("block_count", json_size(config, "num_hidden_layers", {1, kMaxLayers}));
  set("context_length", json_size(config, "max_position_embeddings", {1, kMaxContext}));
  set("embedding_length", n_embd);
  set("feed_forward_length", json_size(config, "intermediate_size", dim));
  set("attention.head_count", n_heads);
  set("attention.head_count_kv", n_kv_heads);
  const nlohmann::json& theta_owner = json_find(rope, "rope_theta") != nullptr ? rope : config;
  out.set_f32(key("rope.freq_base"),
              static_cast<float>(json_float(theta_owner, "rope_theta", kRopeBaseRange, 1e4)));
  out.set_f32(key("attention.layer_norm_rms_epsilon"),
              static_cast<float>(json_float(config, "rms_norm_eps", kEpsRange, 1e-6)));
  if (has_head_dim) {
    set("attention.key_length", head_dim);
    set("attention.value_length", head_dim);
  }
  set("vocab_size", json_size(config, "vocab_size", {1, kMaxVocab}));
  set("rope.dimension_count", head_dim);
  if (rope_type(rope) == "linear") {
    out.set_string(key("rope.scaling.type"), "linear");
    out.set_f32(key("rope.scaling.factor"), static_cast<float>(json_float(rope, "factor", kRopeFactorRange)));
  }
}

void shared_hf(const ModelConfig& config, nlohmann::ordered_json& out) {
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
  out["tie_word_embeddings"] = config.tied_embeddings;
}

void require_plain_rope(const nlohmann::json& rope) {
  const std::string type = rope_type(rope);
  if (type != "default" && type != "linear")
    fail(ErrorCode::kNotSupported, "rope_scaling.rope_type: got '{}', hone supports here: default, linear",
         type);
}

void require_hf(const nlohmann::json& config, const char* key, const nlohmann::json& value) {
  const nlohmann::json* got = json_find(config, key);
  if (got == nullptr || *got == value) return;
  std::string text = got->dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  if (text.size() > 60) text = text.substr(0, 57) + "...";
  fail(ErrorCode::kNotSupported, "{}: got {}, hone supports this family with {}", key, text, value.dump());
}

double tidy(float value) {
  return std::stod(fmt::format("{}", value));
}

}  // namespace hone
