#include "runtime/testing.h"

#include <array>
#include <cmath>
#include <string_view>

#include "base/rng.h"
#include "formats/format.h"
#include "io/tokenizer_io.h"
#include "text/unicode.h"

namespace hone {
namespace {

// "left right", in order of rank; \xc4\xa0 is the byte alphabet's space.
constexpr auto kMerges = std::to_array<std::string_view>({
    "h e",   "t h",          "i n",  "e r",  "a n",        "o u",         "\xc4\xa0 t", "\xc4\xa0 a",
    "r e",   "\xc4\xa0t he", "in g", "an d", "\xc4\xa0 i", "\xc4\xa0i n", "y ou",       "u s",
    "us er", "s s",          "a ss", "s y",  "i s",        "l l",         "\xc4\xa0 w", "o r",
});

std::vector<float> normal_values(Rng& rng, size_t n, float mean, float deviation) {
  std::vector<float> values(n);
  for (float& v : values) v = mean + deviation * static_cast<float>(rng.normal());
  return values;
}

Metadata tiny_metadata(const TinyLlamaOptions& options, size_t n_vocab) {
  Metadata metadata;
  metadata.set_string("general.architecture", "llama");
  metadata.set_string("general.name", "tiny");
  metadata.set_u32("general.file_type", format_named(options.format).file_type);
  metadata.set_u32("llama.block_count", static_cast<uint32_t>(options.n_layers));
  metadata.set_u32("llama.context_length", static_cast<uint32_t>(options.context_length));
  metadata.set_u32("llama.embedding_length", static_cast<uint32_t>(options.n_embd));
  metadata.set_u32("llama.feed_forward_length", static_cast<uint32_t>(options.n_ff));
  metadata.set_u32("llama.attention.head_count", static_cast<uint32_t>(options.n_heads));
  metadata.set_u32("llama.attention.head_count_kv", static_cast<uint32_t>(options.n_kv_heads));
  metadata.set_f32("llama.attention.layer_norm_rms_epsilon", 1e-5f);
  metadata.set_f32("llama.rope.freq_base", options.rope_base);
  metadata.set_u32("llama.rope.dimension_count", static_cast<uint32_t>(options.n_embd / options.n_heads));
  metadata.set_u32("llama.vocab_size", static_cast<uint32_t>(n_vocab));
  store_tokenizer(tiny_tokenizer(options.add_bos), metadata);
  metadata.set_string("tokenizer.chat_template", tiny_chat_template());
  return metadata;
}

}  // namespace

TokenizerData tiny_tokenizer(bool add_bos) {
  TokenizerData data;
  data.model = "gpt2";
  data.pre = "gpt-2";
  data.tokens = {"<|endoftext|>", "<|im_start|>", "<|im_end|>"};
  data.types.assign(data.tokens.size(), TokenType::kControl);
  for (const std::string& byte : unicode::byte_alphabet()) data.tokens.push_back(byte);
  for (const std::string_view merge : kMerges) {
    data.merges.emplace_back(merge);
    std::string token(merge);
    token.erase(token.find(' '), 1);
    data.tokens.push_back(std::move(token));
  }
  data.types.resize(data.tokens.size(), TokenType::kNormal);
  data.bos = 0;
  data.eos = 2;
  data.add_bos = add_bos;
  return data;
}

std::string tiny_chat_template() {
  return "{% for message in messages %}"
         "{% if loop.first and messages[0]['role'] != 'system' %}"
         "{{ '<|im_start|>system\\nYou are a tiny model<|im_end|>\\n' }}{% endif %}"
         "{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}"
         "{% endfor %}"
         "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";
}

MemorySource make_tiny_llama(uint64_t seed, const TinyLlamaOptions& options) {
  Rng rng(seed);
  const size_t n_vocab = tiny_tokenizer().tokens.size();
  const size_t kv = options.n_embd / options.n_heads * options.n_kv_heads;
  const Format& format = format_named(options.format);
  std::vector<MemoryTensor> tensors;
  const auto matrix = [&](const std::string& name, size_t rows, size_t cols) {
    const float deviation = options.scale / std::sqrt(static_cast<float>(cols));
    tensors.push_back(
        make_tensor(name, {cols, rows}, format, normal_values(rng, rows * cols, 0.0f, deviation)));
  };
  const auto norm = [&](const std::string& name) {
    tensors.push_back(make_tensor(name, {options.n_embd}, format_of(FormatId::kF32),
                                  normal_values(rng, options.n_embd, 1.0f, 0.1f)));
  };
  matrix("token_embd.weight", n_vocab, options.n_embd);
  for (size_t layer = 0; layer < options.n_layers; ++layer) {
    const std::string block = "blk." + std::to_string(layer) + ".";
    norm(block + "attn_norm.weight");
    matrix(block + "attn_q.weight", options.n_embd, options.n_embd);
    matrix(block + "attn_k.weight", kv, options.n_embd);
    matrix(block + "attn_v.weight", kv, options.n_embd);
    matrix(block + "attn_output.weight", options.n_embd, options.n_embd);
    norm(block + "ffn_norm.weight");
    matrix(block + "ffn_gate.weight", options.n_ff, options.n_embd);
    matrix(block + "ffn_up.weight", options.n_ff, options.n_embd);
    matrix(block + "ffn_down.weight", options.n_embd, options.n_ff);
  }
  norm("output_norm.weight");
  if (!options.tied) matrix("output.weight", n_vocab, options.n_embd);
  return MemorySource(tiny_metadata(options, n_vocab), std::move(tensors), "tiny llama");
}

}  // namespace hone
