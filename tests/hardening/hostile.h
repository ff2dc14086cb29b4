// Hostile GGUF files: written by a small model's own metadata and tensors with something changed, or byte by
// byte.
#pragma once

#include <gtest/gtest.h>

#include "allocations.h"
#include "io/gguf.h"
#include "io/memory_source.h"
#include "io/test_support.h"
#include "io/tokenizer_io.h"
#include "pipeline/loaded_model.h"
#include "tune/testing.h"

namespace hone::hardening {

// A vocabulary of both specials and the 256 byte tokens, as llama's; ids 1 and 2 begin and end a text.
inline void set_vocabulary(Metadata& metadata) {
  std::vector<std::string> tokens = {"<unk>", "<s>", "</s>"};
  std::vector<int32_t> types = {2, 3, 3};
  for (int byte = 0; byte < 256; ++byte) {
    tokens.push_back(fmt::format("<0x{:02X}>", byte));
    types.push_back(6);
  }
  metadata.set_string("tokenizer.ggml.model", "llama");
  metadata.set_bool("tokenizer.ggml.add_space_prefix", false);
  metadata.set_f32s("tokenizer.ggml.scores", std::vector<float>(tokens.size(), 0.0f));
  metadata.set_i32s("tokenizer.ggml.token_type", types);
  metadata.set_strings("tokenizer.ggml.tokens", std::move(tokens));
}

// A whole model with a change to its metadata.
inline std::string model_bytes(const std::function<void(Metadata&)>& change = {}) {
  MemorySource source = testing::tiny_llama({.n_layers = 1, .n_embd = 32, .n_ff = 32, .n_vocab = 259});
  Metadata metadata = source.metadata();
  set_vocabulary(metadata);
  if (change) change(metadata);
  const ScratchFile scratch;
  std::vector<TensorInfo> tensors = source.tensors();
  GgufWriter writer(scratch.path(), metadata, tensors);
  for (size_t i = 0; i < tensors.size(); ++i) writer.write_tensor(source.data(i));
  writer.commit();
  return read_file(scratch.path());
}

// What `hone generate` does with a file, but for the sampler.
inline void use_model(const std::filesystem::path& path) {
  LoadedModel loaded(path.string());
  std::string text = "Hi! ";
  if (loaded.has_chat_template())
    text += loaded.codec()
                .chat_template.render(nlohmann::ordered_json::parse(R"([{"role": "user", "content": "?"}])"))
                .text;
  const auto ids = loaded.tokenizer().encode(text);
  loaded.tokenizer().decode(ids);
  OpContext ctx;
  loaded.model().logits(ctx, loaded.model().hidden(ctx, TokenBatch::single(ids)));
}

// The file is refused with one clear error that names it, and no allocation is larger than what the file
// itself could fill.
inline void expect_refused(ErrorCode code, std::string_view text, const std::string& bytes) {
  const ScratchFile scratch(bytes);
  count_allocations();
  try {
    use_model(scratch.path());
    ADD_FAILURE() << "no error, expected one about " << text;
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_EQ(error_code_name(error.code()), std::string(error_code_name(code))) << message;
    EXPECT_TRUE(message.starts_with(scratch.path().string())) << message;
    EXPECT_NE(message.find(text), std::string::npos) << message << "\nexpected: " << text;
  }
  EXPECT_LE(largest_allocation(), 16 * bytes.size() + (size_t{1} << 20)) << text;
}

}  // namespace hone::hardening
