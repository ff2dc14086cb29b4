// A tiny random Llama model in memory, with a byte-level tokenizer and a ChatML template, for tests.
#pragma once

#include <cstdint>
#include <string>

#include "io/memory_source.h"
#include "text/tokenizer.h"

namespace hone {

struct TinyLlamaOptions {
  size_t n_layers = 2, n_embd = 64, n_ff = 96, n_heads = 4, n_kv_heads = 2;
  size_t context_length = 256;
  std::string format = "f32";  // of all matrices
  bool tied = true;
  bool add_bos = false;
  float rope_base = 10000.0f;
  // Standard deviation of matrix entries times sqrt(columns); larger values make peaked predictions.
  float scale = 1.0f;
};

// Same seed and options: same bytes. Matrices have normal entries, norms are near one.
MemorySource make_tiny_llama(uint64_t seed, const TinyLlamaOptions& options = {});

// Its tokenizer: <|endoftext|> (0), <|im_start|> (1), <|im_end|> (2), the 256 bytes, and some merges of
// English.
TokenizerData tiny_tokenizer(bool add_bos = false);
// ChatML with a default system turn, like SmolLM2's.
std::string tiny_chat_template();

}  // namespace hone
