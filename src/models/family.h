// What most families share, for the files that describe one: rows of the tensor table, and hyperparameters
// under the names that GGUF gives every family ("<arch>.block_count") and Hugging Face most.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "models/architecture.h"
#include "models/config_reader.h"

namespace hone {

inline constexpr TensorRow kTokenEmbdRow{.gguf = "token_embd.weight",
                                         .hf = "model.embed_tokens.weight",
                                         .role = TensorRole::kTokenEmbd,
                                         .rows = Dim::kVocab,
                                         .cols = Dim::kEmbd,
                                         .per_layer = false};
inline constexpr TensorRow kOutputNormRow{.gguf = "output_norm.weight",
                                          .hf = "model.norm.weight",
                                          .role = TensorRole::kOutputNorm,
                                          .rows = Dim::kNone,
                                          .cols = Dim::kEmbd,
                                          .per_layer = false};
// Absent when the vocabulary projection is tied to the embeddings.
inline constexpr TensorRow kOutputRow{.gguf = "output.weight",
                                      .hf = "lm_head.weight",
                                      .role = TensorRole::kOutput,
                                      .rows = Dim::kVocab,
                                      .cols = Dim::kEmbd,
                                      .required = false,
                                      .per_layer = false};
// Divisors of rotary frequencies; Hugging Face keeps them as numbers in config.json.
constexpr TensorRow rope_factors_row(const char* gguf) {
  return {.gguf = gguf,
          .hf = "",
          .role = TensorRole::kOther,
          .rows = Dim::kNone,
          .cols = Dim::kRopePairs,
          .required = false,
          .per_layer = false};
}

constexpr TensorRow norm_row(std::string_view gguf, std::string_view hf, TensorRole role,
                             Dim width = Dim::kEmbd) {
  return {.gguf = gguf, .hf = hf, .role = role, .rows = Dim::kNone, .cols = width};
}
constexpr TensorRow linear_row(std::string_view gguf, std::string_view hf, TensorRole role, Dim rows,
                               Dim cols) {
  return {.gguf = gguf, .hf = hf, .role = role, .rows = rows, .cols = cols, .linear = true};
}
constexpr TensorRow bias_row(std::string_view gguf, std::string_view hf, Dim width) {
  return {.gguf = gguf, .hf = hf, .role = TensorRole::kBias, .rows = Dim::kNone, .cols = width};
}
constexpr TensorRow with_order(TensorRow row, RowOrder order) {
  row.order = order;
  return row;
}
constexpr TensorRow with_offset(TensorRow row, float offset) {
  row.offset = offset;
  return row;
}

inline constexpr TensorRow kAttnNormRow =
    norm_row("blk.{}.attn_norm.weight", "model.layers.{}.input_layernorm.weight", TensorRole::kAttnNorm);
inline constexpr TensorRow kFfnNormRow = norm_row(
    "blk.{}.ffn_norm.weight", "model.layers.{}.post_attention_layernorm.weight", TensorRole::kFfnNorm);
inline constexpr TensorRow kAttnQNormRow =
    norm_row("blk.{}.attn_q_norm.weight", "model.layers.{}.self_attn.q_norm.weight", TensorRole::kAttnQNorm,
             Dim::kHead);
inline constexpr TensorRow kAttnKNormRow =
    norm_row("blk.{}.attn_k_norm.weight", "model.layers.{}.self_attn.k_norm.weight", TensorRole::kAttnKNorm,
             Dim::kHead);
inline constexpr TensorRow kAttnQRow =
    linear_row("blk.{}.attn_q.weight", "model.layers.{}.self_attn.q_proj.weight", TensorRole::kAttnQ, Dim::kQ,
               Dim::kEmbd);
inline constexpr TensorRow kAttnKRow =
    linear_row("blk.{}.attn_k.weight", "model.layers.{}.self_attn.k_proj.weight", TensorRole::kAttnK,
               Dim::kKv, Dim::kEmbd);
inline constexpr TensorRow kAttnVRow =
    linear_row("blk.{}.attn_v.weight", "model.layers.{}.self_attn.v_proj.weight", TensorRole::kAttnV,
               Dim::kKv, Dim::kEmbd);
inline constexpr TensorRow kAttnOutputRow =
    linear_row("blk.{}.attn_output.weight", "model.layers.{}.self_attn.o_proj.weight",
               TensorRole::kAttnOutput, Dim::kEmbd, Dim::kQ);
inline constexpr TensorRow kFfnGateRow =
    linear_row("blk.{}.ffn_gate.weight", "model.layers.{}.mlp.gate_proj.weight", TensorRole::kFfnGate,
               Dim::kFf, Dim::kEmbd);
inline constexpr TensorRow kFfnUpRow = linear_row(
    "blk.{}.ffn_up.weight", "model.layers.{}.mlp.up_proj.weight", TensorRole::kFfnUp, Dim::kFf, Dim::kEmbd);
inline constexpr TensorRow kFfnDownRow =
    linear_row("blk.{}.ffn_down.weight", "model.layers.{}.mlp.down_proj.weight", TensorRole::kFfnDown,
               Dim::kEmbd, Dim::kFf);

inline constexpr FloatRange kRopeBaseRange{1, 1e12};
inline constexpr FloatRange kRopeFactorRange{0, 1e6};

// Kinds of RoPE that a family may have beside the plain and the linear one over whole heads.
struct RopeKinds {
  bool partial = false;   // of the first columns of a head
  bool longrope = false;  // <arch>.rope.scaling.type
};
// Layers, widths, heads, context, vocabulary, norm, RoPE base and linear scaling, from "<arch>.…" keys.
// Throws naming the key.
ModelConfig shared_config(const Metadata& metadata, const std::string& arch, RopeKinds kinds = {});

// The same numbers from config.json into "<arch>.…" keys, in the order in which llama.cpp's converter writes
// them. `rope` holds rope_theta (else config.json itself does), rope_type and factor.
void shared_metadata(const nlohmann::json& config, const std::string& arch, const nlohmann::json& rope,
                     Metadata& out);
// The reverse, but for the keys that name the family, its activation and whatever else is its own.
void shared_hf(const ModelConfig& config, nlohmann::ordered_json& out);

// config.json's object about RoPE: rope_parameters, or in older files rope_scaling; empty when there is none.
const nlohmann::json& rope_object(const nlohmann::json& config);
std::string rope_type(const nlohmann::json& rope);
// For families that stretch RoPE in no way but the linear one.
void require_plain_rope(const nlohmann::json& rope);

// Throws kNotSupported unless config.json's `key` is missing, null or this value.
void require_hf(const nlohmann::json& config, const char* key, const nlohmann::json& value);

// The shortest decimal that reads back as this float, as people write it: 1e-05, not 9.999999747378752e-06.
double tidy(float value);

}  // namespace hone
