// Models between containers: anything hone opens -> GGUF in a float format, anything -> a Hugging Face
// folder. Quantized tensors are dequantized; quantizing is in quantize/. One tensor is in memory at a time
// (one shard for Hugging Face).
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "io/weight_source.h"
#include "models/model.h"

namespace hone {

// target: "f32", "f16", "bf16", or "keep" for every tensor's own format. Vectors become f32 except with
// "keep". Metadata is kept, but for general.file_type and general.quantization_version. Throws
// kInvalidArgument (unknown target; values that f16 cannot hold, naming the tensor).
// A chat_template, when given, takes the place of the model's own.
void convert_to_gguf(WeightSource& source, const std::filesystem::path& path, std::string_view target,
                     const std::string& chat_template = "");

// config.json, model.safetensors (in shards above 2 GB), tokenizer.json, tokenizer_config.json,
// generation_config.json; dtype: "f32", "f16", "bf16". The folder appears whole or not at all; it must not
// exist, or be empty. Throws kNotSupported where Hugging Face cannot say what the model holds.
void convert_to_hf(WeightSource& source, const std::filesystem::path& folder, std::string_view dtype,
                   const std::string& chat_template = "");

// tokenizer.json and tokenizer_config.json that give the ids of `data`; n_context may be 0.
void save_hf_tokenizer(const TokenizerData& data, const std::string& chat_template, size_t n_context,
                       const std::filesystem::path& folder);

// n elements at `from` in format `stored`, as bytes of a float format. Multi-threaded. `name` is for
// messages. Throws kInvalidArgument when a finite value overflows f16.
std::vector<std::byte> convert_elements(std::string_view name, const Format& stored,
                                        std::span<const std::byte> from, const Format& target, size_t n);

}  // namespace hone
