// For tests: a tiny random llama model and chats for it, in memory.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "base/rng.h"
#include "data/dataset.h"
#include "io/memory_source.h"
#include "models/model.h"

namespace hone::testing {

struct TinyLlama {
  uint32_t n_layers = 2, n_embd = 64, n_ff = 96, n_heads = 4, n_kv_heads = 2, n_vocab = 50, context = 256;
  std::string format = "f32";  // of the matrices
  uint64_t seed = 1;
};

inline Metadata tiny_metadata(const TinyLlama& shape) {
  Metadata metadata;
  metadata.set_string("general.architecture", "llama");
  metadata.set_string("general.name", "tiny");
  metadata.set_u32("llama.block_count", shape.n_layers);
  metadata.set_u32("llama.context_length", shape.context);
  metadata.set_u32("llama.embedding_length", shape.n_embd);
  metadata.set_u32("llama.feed_forward_length", shape.n_ff);
  metadata.set_u32("llama.attention.head_count", shape.n_heads);
  metadata.set_u32("llama.attention.head_count_kv", shape.n_kv_heads);
  metadata.set_u32("llama.vocab_size", shape.n_vocab);
  metadata.set_f32("llama.attention.layer_norm_rms_epsilon", 1e-5f);
  metadata.set_f32("llama.rope.freq_base", 10000.0f);
  metadata.set_u32("llama.rope.dimension_count", shape.n_embd / shape.n_heads);
  return metadata;
}

inline MemorySource tiny_llama(const TinyLlama& shape = {}) {
  Rng rng(shape.seed);
  std::vector<MemoryTensor> tensors;
  const Format& format = format_named(shape.format);
  const auto matrix = [&](const std::string& name, uint64_t rows, uint64_t cols) {
    std::vector<float> values(rows * cols);
    const double scale = 1.5 / std::sqrt(static_cast<double>(cols));
    for (float& v : values) v = static_cast<float>(rng.normal() * scale);
    tensors.push_back(make_tensor(name, {cols, rows}, format, values));
  };
  const auto norm = [&](const std::string& name) {
    std::vector<float> values(shape.n_embd);
    for (float& v : values) v = static_cast<float>(1.0 + 0.1 * rng.normal());
    tensors.push_back(make_tensor(name, {shape.n_embd}, format_of(FormatId::kF32), values));
  };
  const uint64_t kv = uint64_t{shape.n_embd} / shape.n_heads * shape.n_kv_heads;
  matrix("token_embd.weight", shape.n_vocab, shape.n_embd);
  for (uint32_t layer = 0; layer < shape.n_layers; ++layer) {
    const std::string block = "blk." + std::to_string(layer) + ".";
    norm(block + "attn_norm.weight");
    matrix(block + "attn_q.weight", shape.n_embd, shape.n_embd);
    matrix(block + "attn_k.weight", kv, shape.n_embd);
    matrix(block + "attn_v.weight", kv, shape.n_embd);
    matrix(block + "attn_output.weight", shape.n_embd, shape.n_embd);
    norm(block + "ffn_norm.weight");
    matrix(block + "ffn_gate.weight", shape.n_ff, shape.n_embd);
    matrix(block + "ffn_up.weight", shape.n_ff, shape.n_embd);
    matrix(block + "ffn_down.weight", shape.n_embd, shape.n_ff);
  }
  norm("output_norm.weight");
  matrix("output.weight", shape.n_vocab, shape.n_embd);
  return MemorySource(tiny_metadata(shape), std::move(tensors));
}

// Samples of 8 to 30 tokens that repeat a short pattern, so that there is something to learn; the first third
// of each is prompt.
inline Dataset tiny_dataset(size_t n, uint64_t seed = 5, size_t n_vocab = 50) {
  Rng rng(seed);
  Dataset data;
  data.path = "tiny.jsonl";
  data.content_hash = "tiny" + std::to_string(seed);
  for (size_t i = 0; i < n; ++i) {
    Sample sample;
    sample.line = i + 1;
    const size_t length = 8 + rng.below(23), period = 2 + rng.below(3), first = rng.below(n_vocab);
    for (size_t t = 0; t < length; ++t) {
      sample.tokens.push_back(static_cast<TokenId>((first + 7 * (t % period)) % n_vocab));
      sample.supervised.push_back(t >= length / 3 ? 1 : 0);
    }
    data.n_tokens += length;
    data.n_supervised += length - length / 3;
    data.samples.push_back(std::move(sample));
  }
  return data;
}

// Fills every adapter parameter with small random numbers: as if trained.
inline void randomize(const std::vector<Parameter*>& parameters, double scale, uint64_t seed) {
  Rng rng(seed);
  for (Parameter* parameter : parameters) {
    for (size_t i = 0; i < parameter->value.size(); ++i)
      parameter->value.data()[i] = static_cast<float>(rng.normal() * scale);
  }
}

}  // namespace hone::testing
