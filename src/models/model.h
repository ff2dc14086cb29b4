// One forward for training, evaluation, calibration and generation. An architecture is a row of data
// (architecture.h) read by this one decoder; nothing here knows a family by name.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "io/weight_source.h"
#include "nn/linear.h"
#include "ops/kv_layer.h"
#include "text/tokenizer.h"

namespace hone {

struct ModelConfig {
  std::string architecture;  // "llama"
  std::string name;          // general.name
  size_t n_layers = 0, n_embd = 0, n_ff = 0, n_heads = 0, n_kv_heads = 0, head_dim = 0, n_vocab = 0;
  size_t context_length = 0;
  size_t rope_dim = 0;  // the first so many of a head's columns are rotated
  float norm_eps = 1e-5f, rope_base = 10000.0f;
  float rope_scale = 1.0f;          // linear scaling: positions are multiplied by this (1 / factor)
  std::vector<float> rope_factors;  // rope_freqs.weight: frequencies are divided by these; empty: none
  // Long RoPE (Ding et al. 2024): texts of up to short_context_length tokens are turned with rope_factors,
  // longer ones with rope_long_factors; cosine and sine are multiplied by rope_magnitude.
  float rope_magnitude = 1.0f;
  std::vector<float> rope_long_factors;
  size_t short_context_length = 0;  // 0: no Long RoPE
  bool rope_interleaved = true;     // GGUF llama order
  float attention_scale = 0;        // 0: 1 / sqrt(head_dim)
  // Keys that a token sees in each layer, itself among them; 0: all before it. Empty: all in every layer.
  std::vector<size_t> windows;
  float window_rope_base = 10000.0f;  // of layers with a window, without rope_scale and rope_factors
  Activation activation = Activation::kSilu;
  float embedding_scale = 1.0f;
  bool tied_embeddings = false;

  size_t window(size_t layer) const noexcept { return windows.empty() ? 0 : windows[layer]; }
  // Whether a text that may become so long is turned with Long RoPE's long factors.
  bool is_long(size_t tokens) const noexcept {
    return short_context_length != 0 && tokens > short_context_length;
  }
};

// What a cache keeps of the layers with a window: all, or what tokens to come can see, and a few before them.
enum class KvKept { kAll, kSeen };

// Keys and values of one growing sequence, all layers, for `capacity` tokens.
class KvCache {
 public:
  // Its keys are turned as those of a text that may fill it are, once and for all.
  KvCache(const ModelConfig& config, size_t capacity, KvFormat format = KvFormat::kF16);
  // As those of a text that may become `longest` tokens long.
  KvCache(const ModelConfig& config, size_t capacity, KvFormat format, size_t longest,
          KvKept kept = KvKept::kAll);
  size_t length() const noexcept { return length_; }
  size_t capacity() const noexcept { return capacity_; }
  bool is_long() const noexcept { return is_long_; }  // ModelConfig::is_long
  // Forgets what lies behind the first `length` tokens, all of which truncatable() allows.
  void truncate(size_t length) noexcept;
  // `length` itself, or 0 where a layer has forgotten what the token behind it sees.
  size_t truncatable(size_t length) const noexcept;
  // Becomes the first `length` tokens of another cache of the same model, format and is_long(), which holds
  // as many.
  void copy_from(const KvCache& other, size_t length);
  // Of a cache for `tokens` tokens.
  static uint64_t bytes(const ModelConfig& config, size_t tokens, KvFormat format,
                        KvKept kept = KvKept::kAll) noexcept;
  KvLayer& layer(size_t i) noexcept { return layers_[i]; }

 private:
  friend class Model;
  size_t length_ = 0, capacity_ = 0;
  bool is_long_ = false;
  std::vector<KvLayer> layers_;
};

// Tokens laid out one after another; each sequence attends only to itself, and to what its cache holds.
struct Sequence {
  size_t begin = 0, length = 0;
  KvCache* cache = nullptr;  // receives the tokens' keys and values; one sequence per cache
};
struct TokenBatch {
  std::vector<int32_t> tokens;
  std::vector<int32_t> positions;   // restart at 0, or at the cache's length, for each sequence
  std::vector<Sequence> sequences;  // cover tokens in order
  // Appends a sequence, or more of the one in `cache`.
  void add(std::span<const int32_t> more, KvCache* cache = nullptr);
  static TokenBatch single(std::span<const int32_t> tokens, KvCache* cache = nullptr);
};

// When weights are read and packed: kWhenUsed means the first time, from a source that is mapped and lives as
// long as the model; other sources are read at once all the same.
enum class LoadWeights { kNow, kWhenUsed };

class Model {
 public:
  // Releases each source tensor after use. Throws kNotSupported (architecture, format), kCorruption (missing
  // tensor, wrong shape), kResourceExhausted (too little memory, with the amount needed).
  explicit Model(WeightSource& source, LoadWeights load = LoadWeights::kNow);
  ~Model();
  Model(Model&&) noexcept;
  Model& operator=(Model&&) noexcept;

  const ModelConfig& config() const noexcept;

  // Starts a thread that reads what is still to be read, in the order of use, until the model is used.
  void load_meanwhile();

  // Rows of a batch, ascending; none given: all of them.
  using Rows = std::optional<std::span<const size_t>>;
  // Hidden states after the output norm: (T, C), or those of the wanted rows alone; the last block computes
  // no others. Sequences with a cache see it and are appended to it (throws kInvalidArgument beyond its
  // capacity).
  Tensor hidden(OpContext& ctx, const TokenBatch& batch, Rows wanted = {}) const;
  // linear_cross_entropy over the batch's tokens; targets (T).
  CrossEntropyResult loss(OpContext& ctx, const TokenBatch& batch, std::span<const int32_t> targets,
                          float grad_scale) const;
  // Logits of hidden rows: (n, V). hidden (n, C).
  Tensor logits(OpContext& ctx, const Tensor& hidden) const;
  // The matrix of the vocabulary projection (tied models: the embedding table), for linear_cross_entropy.
  const MatrixView& head() const;

  // Every Linear of every block, in file order (attn_q, attn_k, attn_v, attn_output, ffn_gate, ffn_up,
  // ffn_down; or what a family has in place of some). The vocabulary projection is not among them.
  void for_each_linear(const std::function<void(size_t layer, Linear&)>& visit);
  void for_each_linear(const std::function<void(size_t layer, const Linear&)>& visit) const;

  // Of the first n blocks, training keeps only the input and computes the rest again during backward. The
  // first: when their turn comes, the other blocks' activations are gone, and what is recomputed takes their
  // place.
  void set_recomputed_blocks(size_t n) noexcept;
  size_t recomputed_blocks() const noexcept;
  // Bytes per token that a training step holds at most, activations and gradients of them, with the first n
  // blocks recomputed and adapters on every Linear. Falls as n grows.
  size_t activation_bytes_per_token(size_t recomputed_blocks,
                                    ComputeMode compute = ComputeMode::kFast) const noexcept;
  // Whether the fast compute mode gives exactly the precise one's numbers with these weights on this machine.
  bool fast_is_precise() const;
  uint64_t n_parameters() const noexcept;
  uint64_t weight_bytes() const noexcept;  // resident

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// A model argument of the command line, opened: a GGUF file, a Hugging Face folder, or a name in the local
// store.
struct OpenedModel {
  std::filesystem::path path;
  std::unique_ptr<WeightSource> source;
  TokenizerData tokenizer;
  std::string chat_template;  // empty when the model has none
};
// Throws kNotFound naming what was looked for and what the store holds.
OpenedModel open_model(const std::string& argument);
// $HONE_HOME/models or ~/.cache/hone/models.
std::filesystem::path model_store();

// Hash of the architecture, and of every tensor's name, shape, format and bytes: what an adapter was trained
// on.
std::string weights_fingerprint(WeightSource& source);

}  // namespace hone
