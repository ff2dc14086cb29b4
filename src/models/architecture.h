// An architecture family as data: how its config is read, which tensors it has under which names in GGUF and
// Hugging Face files, what each is for. Loader, importer, exporter, quantizer, adapters, planner and tests
// read these rows; adding a family is one file with one row and one line in architecture_list.cpp.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/model.h"

namespace hone {

// Divisors of the rotary frequencies that GGUF keeps as tensors and Hugging Face in config.json.
inline constexpr const char *kRopeFreqs = "rope_freqs.weight", *kRopeShort = "rope_factors_short.weight",
                            *kRopeLong = "rope_factors_long.weight";
struct RopeFactors {
  const char* tensor;
  std::vector<float> values;
};

// Shape symbols of the tensor table, resolved against a ModelConfig.
enum class Dim {
  kNone,
  kEmbd,
  kVocab,
  kFf,
  kQ /* H*D */,
  kKv /* Hkv*D */,
  kQkv /* kQ + 2 kKv */,
  kGateUp /* 2F */,
  kHead /* D */,
  kRopePairs /* rope_dim/2 */
};

// Row orders that GGUF changes against Hugging Face.
enum class RowOrder { kSame, kRopeQ, kRopeK };

struct TensorRow {
  std::string_view gguf;  // "blk.{}.attn_q.weight"; {} is the layer
  std::string_view hf;    // "model.layers.{}.self_attn.q_proj.weight"; empty: the tensor exists only in GGUF
  TensorRole role;
  Dim rows, cols;  // a matrix (rows, cols); vectors have rows = kNone
  RowOrder order = RowOrder::kSame;
  bool required = true;
  bool per_layer = true;
  bool linear = false;  // one of the block's linear layers: quantized and adapted
  float offset = 0;     // a vector's values in GGUF are Hugging Face's plus this
};

struct Architecture {
  std::string_view gguf_name;  // general.architecture
  std::string_view hf_model_type;
  std::string_view hf_other_type = {};  // a second model_type of the same tensors and wiring
  std::span<const TensorRow> tensors;
  bool rope_interleaved = false;
  bool tied_by_default = false;  // when config.json does not say tie_word_embeddings
  ModelConfig (*config_from_gguf)(const Metadata& metadata);
  // Fills GGUF metadata (hyperparameters only) from config.json; throws naming the key.
  void (*metadata_from_hf)(const nlohmann::json& config, Metadata& out);
  // The RopeFactors that config.json asks for; may be none. Null: the family has none.
  std::vector<RopeFactors> (*rope_factors_from_hf)(const nlohmann::json& config) = nullptr;
  // The reverse: hyperparameters of config.json, architectures and model_type included. Throws kNotSupported
  // when Hugging Face has no way to say it.
  void (*hf_from_config)(const ModelConfig& config, nlohmann::ordered_json& out);
};

std::span<const Architecture* const> all_architectures() noexcept;
const Architecture& architecture_named(std::string_view gguf_name);  // throws kNotSupported
const Architecture& architecture_of_hf(std::string_view model_type);
size_t resolve(Dim dim, const ModelConfig& config);
// The table's row for a GGUF tensor name ("blk.3.attn_q.weight"), or nullptr; *layer is set when it has one.
const TensorRow* find_row(const Architecture& arch, std::string_view gguf_name, size_t* layer = nullptr);
// GGUF "blk.3.attn_q.weight" <-> Hugging Face "model.layers.3.self_attn.q_proj.weight".
std::string hf_name(const TensorRow& row, size_t layer);
std::string gguf_name(const TensorRow& row, size_t layer);

// The whole config of a source: its metadata read by its architecture, RoPE's factors, whether the
// embeddings are tied; and the tensor directory checked against the table. Throws kNotSupported
// (architecture, tensors that no row knows, formats that cannot hold a row), kCorruption (a missing tensor, a
// wrong shape, a bad number).
ModelConfig read_config(WeightSource& source);
// Radians per position of each rotated pair: rope_scale * rope_base^(-2i/rope_dim) / factors[i], rope_dim/2
// of them. factors: rope_factors or rope_long_factors; empty: none.
std::vector<float> rope_frequencies(const ModelConfig& config, std::span<const float> factors);
// The same for the layers with a window: window_rope_base^(-2i/rope_dim).
std::vector<float> window_rope_frequencies(const ModelConfig& config);

// Reorders the rows of a (rows, cols) matrix between GGUF's rope order and Hugging Face's halves, per head.
// element_bytes per row = row_bytes. to_gguf: HF -> GGUF.
void permute_rope_rows(const std::byte* in, std::byte* out, size_t rows, size_t row_bytes, size_t n_heads,
                       bool to_gguf);

}  // namespace hone
