// Published defects behind the reader: files that are whole, whose metadata lies to the tokenizer, the model
// or the chat template.
#include "hostile.h"
#include "quantize/mix_list.h"
#include "quantize/quantize.h"

namespace hone::hardening {
namespace {

constexpr auto kCorrupt = ErrorCode::kCorruption;

void refused(ErrorCode code, std::string_view text, const std::function<void(Metadata&)>& change) {
  expect_refused(code, text, model_bytes(change));
}

TEST(PublishedModels, TheModelThatTheyChangeIsGood) {
  const ScratchFile scratch(model_bytes());
  use_model(scratch.path());
}

// llama.cpp pull request 26690: arrays of one-byte elements read as floats and integers.
TEST(PublishedModels, ArraysOfAnotherType) {
  const MetaValue bytes{MetaType::kArray, MetaArray{MetaType::kU8, std::vector<uint64_t>(259, 1)}};
  const ScratchFile scratch(model_bytes([&](Metadata& m) {
    m.set("tokenizer.ggml.scores", bytes);
    m.set("tokenizer.ggml.token_type", bytes);
  }));
  GgufFile file(scratch.path());
  const TokenizerData data = tokenizer_data(file.metadata());  // converted by element, not by cast
  EXPECT_EQ(data.scores, std::vector<float>(259, 1.0f));
  refused(kCorrupt, "tokenizer.ggml.scores",
          [](Metadata& m) { m.set_strings("tokenizer.ggml.scores", std::vector<std::string>(259, "1")); });
  refused(kCorrupt, "tokenizer.ggml.tokens", [](Metadata& m) { m.set_u32("tokenizer.ggml.tokens", 259); });
}

// llama.cpp pull request 20735: scores and types that are fewer than tokens.
TEST(PublishedModels, ArraysOfAnotherLength) {
  refused(kCorrupt, "token", [](Metadata& m) { m.set_i32s("tokenizer.ggml.token_type", {1, 1, 1}); });
  refused(kCorrupt, "score", [](Metadata& m) { m.set_f32s("tokenizer.ggml.scores", {1, 1, 1}); });
}

// GHSA-g4cc-763q-h9h6 and llama.cpp pull request 25508: ids of special tokens beyond the vocabulary, given or
// by default.
TEST(PublishedModels, SpecialTokenIds) {
  for (const char* name : {"bos", "eos", "eot", "unknown", "padding"})
    for (const uint32_t id : {259u, 0x7fffffffu, 0x80000000u})
      refused(kCorrupt, "token id",
              [&](Metadata& m) { m.set_u32(fmt::format("tokenizer.ggml.{}_token_id", name), id); });
  refused(kCorrupt, "token id: got 1, expected -1 (none) or below 1", [](Metadata& m) {
    m.set_strings("tokenizer.ggml.tokens", {"a"});
    m.set_i32s("tokenizer.ggml.token_type", {1});
    m.set_f32s("tokenizer.ggml.scores", {0});
  });
}

// llama.cpp pull request 25969: "<0x-1>" as a byte token writes before an array of 256. Here it is a text.
TEST(PublishedModels, ByteTokens) {
  for (const char* text : {"<0x-1>", "<0xZZ>", "<0x", "", "<0x100>"}) {
    const ScratchFile scratch(model_bytes([&](Metadata& m) {
      std::vector<std::string> tokens = m.strings("tokenizer.ggml.tokens");
      tokens[200] = text;
      m.set_strings("tokenizer.ggml.tokens", std::move(tokens));
    }));
    GgufFile file(scratch.path());
    const Tokenizer tokenizer(tokenizer_data(file.metadata()));
    EXPECT_EQ(tokenizer.decode(std::vector<TokenId>{200}), text);  // a text, of no byte
    EXPECT_EQ(tokenizer.decode(tokenizer.encode("Hi!")), "Hi!");
  }
}

// CVE-2025-49847: a token's length as a signed number. CVE-2025-52566: the number of a text's tokens. A
// special token of length m costs m at each place of a text.
TEST(PublishedModels, LongTokensAndTexts) {
  const auto with = [](size_t length, int32_t type) {
    return [length, type](Metadata& m) {
      std::vector<std::string> tokens = m.strings("tokenizer.ggml.tokens");
      std::vector<int32_t> types(tokens.size(), 6);
      types[0] = 2, types[1] = types[2] = 3;
      tokens.push_back(std::string(length, 'x'));
      types.push_back(type);
      m.set_f32s("tokenizer.ggml.scores", std::vector<float>(tokens.size(), 0.0f));
      m.set_strings("tokenizer.ggml.tokens", std::move(tokens));
      m.set_i32s("tokenizer.ggml.token_type", types);
    };
  };
  constexpr int32_t kNormal = 1, kUserDefined = 4;
  constexpr size_t kLongest = 1024, kMillion = 1'000'000;
  for (const auto& [length, type] : {std::pair{kLongest, kUserDefined}, std::pair{kMillion, kNormal}}) {
    const ScratchFile scratch(model_bytes(with(length, type)));
    GgufFile file(scratch.path());
    const Tokenizer tokenizer(tokenizer_data(file.metadata()));
    const std::string token(length, 'x'), text = std::string(kMillion, 'x') + "yy" + token;
    EXPECT_TRUE(tokenizer.decode(std::vector<TokenId>{259}) == token);
    EXPECT_TRUE(tokenizer.decode(tokenizer.encode(text)) == text);
  }
  refused(kCorrupt, "special token 259: got a text of 1025 bytes, expected at most 1024",
          with(kLongest + 1, kUserDefined));
}

// Merges of a byte-level vocabulary without a space, or of tokens that are not there.
TEST(PublishedModels, Merges) {
  const auto with = [](const std::string& merge) {
    return [merge](Metadata& m) {
      m.set_string("tokenizer.ggml.model", "gpt2");
      m.set_string("tokenizer.ggml.pre", "gpt-2");
      m.set_strings("tokenizer.ggml.merges", {merge});
    };
  };
  for (const char* merge : {"nospace", "", " ", "no such"}) refused(kCorrupt, "merge", with(merge));
}

// llama.cpp pull request 25821: more blocks than an array has room for. Heads of zero are divided by.
TEST(PublishedModels, Hyperparameters) {
  const auto with = [](const char* key, uint32_t value) {
    return [key, value](Metadata& m) { m.set_u32(key, value); };
  };
  for (const uint32_t value : {0u, 2u, 513u, 1001u, 0x7fffffffu, ~0u})
    refused(kCorrupt, "bl", with("llama.block_count", value));
  for (const char* key :
       {"llama.attention.head_count", "llama.attention.head_count_kv", "llama.embedding_length",
        "llama.feed_forward_length", "llama.context_length", "llama.rope.dimension_count"})
    for (const uint32_t value : {0u, 7u, ~0u}) {
      if (value == 7u && std::string_view(key) == "llama.context_length") continue;
      const bool rotates_half_a_head = value == 7u && std::string_view(key) == "llama.rope.dimension_count";
      refused(rotates_half_a_head ? ErrorCode::kNotSupported : kCorrupt, "", with(key, value));
    }
}

// A chat template is a program of the file's author. CVE-2024-34359, CVE-2026-5760: with Python behind it.
// Here are only its strings, lists and numbers; loops and memory end.
TEST(PublishedModels, ChatTemplates) {
  const auto with = [](const char* text) {
    return [text](Metadata& m) { m.set_string("tokenizer.chat_template", text); };
  };
  for (const char* text :
       {"{{ ''.__class__.__mro__[1].__subclasses__() }}", "{{ messages.__class__.__init__.__globals__ }}",
        "{{ cycler.__init__.__globals__.os.popen('id').read() }}", "{% import 'os' as os %}",
        "{% include '/etc/passwd' %}"}) {
    const ScratchFile scratch(model_bytes(with(text)));
    EXPECT_THROW(use_model(scratch.path()), Error) << text;
  }
  for (const char* text :
       {"{% for i in range(1000000000) %}{% for j in range(1000000000) %}x{% endfor %}{% endfor %}",
        "{{ 'x' * 1000000000000 }}",
        "{% set ns = namespace(t='xxxxxxxx') %}{% for i in range(99) %}{% set ns.t = ns.t "
        "~ ns.t %}{% endfor %}"}) {
    const ScratchFile scratch(model_bytes(with(text)));
    count_allocations();
    EXPECT_THROW(use_model(scratch.path()), Error) << text;
    EXPECT_LE(largest_allocation(), size_t{1} << 30) << text;
  }
}

// What is not a number in the weights does not become a file.
TEST(PublishedModels, WeightsThatAreNoNumbers) {
  std::string bytes = model_bytes();
  for (size_t i = bytes.size() - 4096; i < bytes.size(); ++i) bytes[i] = '\xff';
  const ScratchFile scratch(bytes), output;
  GgufFile file(scratch.path());
  expect_error(kCorrupt, "", [&] { quantize_file(file, output.path(), {.target = &mix_named("q8_0")}); });
}

}  // namespace
}  // namespace hone::hardening
