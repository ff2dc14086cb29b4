#include "models/hf_source.h"

#include <gtest/gtest.h>

#include <cstring>

#include "base/half.h"
#include "io/memory_source.h"
#include "io/tokenizer_io.h"
#include "models/import_test_support.h"

namespace hone {
namespace {
namespace fs = std::filesystem;

const SafeTensor& tensor_of(const SafetensorsFile& file, const char* name) {
  const SafeTensor* tensor = file.find(name);
  HONE_CHECK(tensor != nullptr, "name={}", name);
  return *tensor;
}

// Writes the folder's single weight file again with these changes.
void rewrite(const fs::path& folder, const std::function<void(std::vector<SafeTensor>&)>& change) {
  const fs::path path = folder / "model.safetensors", copy = folder / "changed";
  {
    const SafetensorsFile file(path);
    std::vector<SafeTensor> tensors = file.tensors();
    change(tensors);
    write_safetensors(copy, tensors);
  }
  fs::rename(copy, path);
}

TEST(HfSource, ReadsTheTiedModel) {
  HfSource source(golden("tiny-tied"));
  const ModelConfig config = read_config(source);
  EXPECT_EQ(config.architecture, "llama");
  EXPECT_EQ(config.name, "tiny-tied");
  EXPECT_TRUE(config.tied_embeddings);
  EXPECT_TRUE(config.rope_factors.empty());
  EXPECT_EQ(config.n_layers, 2u);
  EXPECT_EQ(config.n_vocab, 288u);
  EXPECT_EQ(source.tensors().size(), 2u + 2 * 9);
  EXPECT_EQ(source.metadata().integer("general.file_type"), 0u);
  const TensorInfo& down = source.tensors()[*source.find("blk.1.ffn_down.weight")];
  EXPECT_EQ(down.shape, (std::vector<uint64_t>{64, 32}));
  const SafetensorsFile file(golden("tiny-tied") / "model.safetensors");
  const SafeTensor& stored = tensor_of(file, "model.layers.1.mlp.down_proj.weight");
  EXPECT_EQ(bytes_of(source, "blk.1.ffn_down.weight"),
            std::vector<std::byte>(stored.data.begin(), stored.data.end()));
}

TEST(HfSource, InterleavesQueryAndKeyRows) {
  HfSource source(golden("tiny-tied"));
  const SafetensorsFile file(golden("tiny-tied") / "model.safetensors");
  const SafeTensor& hf = tensor_of(file, "model.layers.0.self_attn.k_proj.weight");
  const std::vector<std::byte> gguf = bytes_of(source, "blk.0.attn_k.weight");
  ASSERT_EQ(gguf.size(), hf.data.size());
  const size_t row = 32 * sizeof(float);  // 2 heads of 8 rows of 32 columns
  for (size_t head = 0; head < 2; ++head)
    for (size_t i = 0; i < 8; ++i) {
      const size_t from = head * 8 + (i % 2) * 4 + i / 2;
      EXPECT_EQ(std::memcmp(gguf.data() + (head * 8 + i) * row, hf.data.data() + from * row, row), 0)
          << head << i;
    }
}

TEST(HfSource, ReadsShardsOfBf16AndLlama3Rope) {
  HfSource source(golden("tiny-untied"));
  const ModelConfig config = read_config(source);
  EXPECT_FALSE(config.tied_embeddings);
  EXPECT_EQ(config.head_dim, 16u);
  EXPECT_EQ(config.n_kv_heads, 1u);
  ASSERT_EQ(config.rope_factors.size(), 8u);
  EXPECT_FLOAT_EQ(config.rope_factors.back(), 8.0f);
  EXPECT_FLOAT_EQ(config.rope_base, 500.0f);
  const TensorInfo& q = source.tensors()[*source.find("blk.0.attn_q.weight")];
  EXPECT_EQ(q.format->id, FormatId::kBF16);
  EXPECT_EQ(q.shape, (std::vector<uint64_t>{32, 64}));
  EXPECT_EQ(source.metadata().integer("general.file_type"), format_of(FormatId::kBF16).file_type);
  const TensorInfo& norm = source.tensors()[*source.find("output_norm.weight")];
  EXPECT_EQ(norm.format->id, FormatId::kF32);
  // The vector's values are the bf16 ones, widened.
  const std::vector<std::byte> values = bytes_of(source, "output_norm.weight");
  for (const char* shard : {"model-00001-of-00003.safetensors", "model-00002-of-00003.safetensors",
                            "model-00003-of-00003.safetensors"}) {
    const SafetensorsFile file(golden("tiny-untied") / shard);
    const SafeTensor* stored = file.find("model.norm.weight");
    if (stored == nullptr) continue;
    for (size_t i = 0; i < 32; ++i) {
      uint16_t half = 0;
      float value = 0;
      std::memcpy(&half, stored->data.data() + 2 * i, 2);
      std::memcpy(&value, values.data() + 4 * i, 4);
      EXPECT_EQ(value, bf16_to_f32(half));
    }
  }
}

TEST(HfSource, CarriesTokenizerAndTemplate) {
  HfSource source(golden("tiny-tied"));
  EXPECT_EQ(source.tokenizer().tokens.size(), 288u);
  EXPECT_EQ(source.tokenizer().pre, "smollm");
  EXPECT_EQ(source.tokenizer().eos, 2);
  EXPECT_EQ(source.tokenizer().eot, 0);  // the second of generation_config.json's end tokens
  EXPECT_NE(source.chat_template().find("<|im_start|>"), std::string::npos);
  EXPECT_EQ(source.metadata().string("tokenizer.chat_template"), source.chat_template());
  EXPECT_EQ(tokenizer_data(source.metadata()).tokens, source.tokenizer().tokens);
}

TEST(HfSource, EveryFamilysTokenizerEqualsTransformers) {
  for (const char* name : {"tiny-tied", "tiny-untied", "tiny-gemma3", "tiny-mistral", "tiny-qwen2",
                           "tiny-qwen3", "tiny-phi3", "tiny-phi3-long"}) {
    const SafetensorsFile file(golden(std::string(name) + ".expected.safetensors"));
    const auto bytes = file.find("text_ids")->data;
    const auto* ids = reinterpret_cast<const int32_t*>(bytes.data());
    const std::vector<TokenId> expected(ids, ids + bytes.size() / sizeof(int32_t));
    const Tokenizer tokenizer(HfSource(golden(name)).tokenizer());
    EXPECT_EQ(tokenizer.encode(file.metadata().at("text")), expected) << name;
  }
}

TEST(HfSource, TemplateOfTokenizerConfigAndPaddedVocabulary) {
  const TestFolder scratch;
  const fs::path folder = scratch.copy_of(golden("tiny-tied"));
  fs::remove(folder / "chat_template.jinja");
  edit(folder / "tokenizer_config.json", "{", R"({"chat_template": [{"name": "tool_use", "template": "no"},
    {"name": "default", "template": "yes"}],)");
  edit(folder / "config.json", "\"vocab_size\": 288", "\"vocab_size\": 290");
  rewrite(folder, [](std::vector<SafeTensor>& tensors) {
    static std::vector<std::byte> padded(290 * 32 * 4);
    for (SafeTensor& tensor : tensors)
      if (tensor.name == "model.embed_tokens.weight") {
        tensor.shape[0] = 290;
        tensor.data = padded;
      }
  });
  const HfSource source(folder);
  EXPECT_EQ(source.chat_template(), "yes");
  ASSERT_EQ(source.tokenizer().tokens.size(), 290u);
  EXPECT_EQ(source.tokenizer().tokens[289], "[PAD289]");
  EXPECT_EQ(source.tokenizer().types[289], TokenType::kUnused);
}

TEST(HfSource, TiedCopiesOfTheHeadAreDropped) {
  const TestFolder scratch;
  const fs::path folder = scratch.copy_of(golden("tiny-tied"));
  const auto add_head = [](std::vector<SafeTensor>& tensors) {
    for (const SafeTensor& tensor : tensors)
      if (tensor.name == "model.embed_tokens.weight") {
        SafeTensor head = tensor;
        head.name = "lm_head.weight";
        tensors.push_back(head);
        return;
      }
  };
  rewrite(folder, add_head);
  EXPECT_FALSE(HfSource(folder).find("output.weight"));
  edit(folder / "config.json", "\"tie_word_embeddings\": true", "\"tie_word_embeddings\": false");
  EXPECT_TRUE(HfSource(folder).find("output.weight"));
  const fs::path other = scratch.copy_of(golden("tiny-tied").parent_path() / "tiny-untied");
  edit(other / "config.json", "\"tie_word_embeddings\": false", "\"tie_word_embeddings\": true");
  EXPECT_TRUE(HfSource(other).find("output.weight"));  // different from the embeddings: believed
}

TEST(HfSource, NamesMissingAndExtraTensors) {
  const TestFolder scratch;
  const fs::path folder = scratch.copy_of(golden("tiny-tied"));
  rewrite(folder, [](std::vector<SafeTensor>& tensors) {
    std::erase_if(tensors, [](const SafeTensor& t) { return t.name == "model.layers.1.mlp.up_proj.weight"; });
  });
  expect_error(ErrorCode::kCorruption, {"model.layers.1.mlp.up_proj.weight", "missing"},
               [&] { HfSource s(folder); });
  const TestFolder other;
  const fs::path extra = other.copy_of(golden("tiny-tied"));
  const auto add = [&](const char* name) {
    rewrite(extra, [name](std::vector<SafeTensor>& tensors) {
      SafeTensor tensor = tensors.front();
      tensor.name = name;
      tensors.push_back(tensor);
    });
  };
  add("model.layers.0.self_attn.rotary_emb.inv_freq");
  EXPECT_NO_THROW(HfSource{extra});
  add("model.layers.0.self_attn.q_proj.bias");
  expect_error(ErrorCode::kNotSupported, {"q_proj.bias", "1 tensors"}, [&] { HfSource s(extra); });
}

TEST(HfSource, RefusesWrongShapesDtypesAndConfigs) {
  const auto damaged = [](const char* file, const char* from, const char* to, ErrorCode code,
                          std::initializer_list<const char*> words) {
    const TestFolder scratch;
    const fs::path folder = scratch.copy_of(golden("tiny-tied"));
    edit(folder / file, from, to);
    expect_error(code, words, [&] { HfSource source(folder); });
  };
  damaged("config.json", "\"intermediate_size\": 64", "\"intermediate_size\": 96", ErrorCode::kCorruption,
          {"gate_proj", "[64, 32]", "[96, 32]"});
  damaged("config.json", "\"model_type\": \"llama\"", "\"model_type\": \"mamba\"", ErrorCode::kNotSupported,
          {"config.json", "mamba", "llama"});
  damaged("config.json", "\"hidden_size\": 32", "\"hidden_size\": [", ErrorCode::kCorruption,
          {"config.json", "line"});
  const std::string deep = "\"hidden_size\": " + std::string(400'000, '[') + std::string(400'000, ']');
  damaged("config.json", "\"hidden_size\": 32", deep.c_str(), ErrorCode::kCorruption,
          {"config.json", "nested"});
  damaged("config.json", "\"hidden_size\": 32", "\"hidden_size\": 32, \"quantization_config\": {}",
          ErrorCode::kNotSupported, {"quantization_config"});
  damaged("config.json", "LlamaForCausalLM", "LlamaForTokenClassification", ErrorCode::kNotSupported,
          {"LlamaForTokenClassification"});
  damaged("config.json", "\"tie_word_embeddings\": true", "\"tie_word_embeddings\": false",
          ErrorCode::kCorruption, {"lm_head.weight", "tie_word_embeddings"});
  damaged("generation_config.json", "2,", "288,", ErrorCode::kCorruption, {"eos_token_id", "288"});
  damaged("model.safetensors", "\"F32\"", "\"I32\"", ErrorCode::kNotSupported, {"I32", "F32"});
}

TEST(HfSource, RefusesBrokenFolders) {
  const TestFolder scratch;
  expect_error(ErrorCode::kNotFound, {"config.json"}, [&] { HfSource source(scratch.path()); });
  const fs::path folder = scratch.copy_of(golden("tiny-untied"));
  edit(folder / "model.safetensors.index.json", "model-00001-of-00003", "../model-00001-of-00003");
  expect_error(ErrorCode::kCorruption, {"../model"}, [&] { HfSource source(folder); });
  edit(folder / "model.safetensors.index.json", "../model-00001-of-00003", "model-00002-of-00003");
  expect_error(ErrorCode::kCorruption, {"is not in"}, [&] { HfSource source(folder); });
  fs::remove(folder / "model-00003-of-00003.safetensors");
  edit(folder / "model.safetensors.index.json", "model-00002-of-00003", "model-00001-of-00003");
  expect_error(ErrorCode::kNotFound, {"model-00003-of-00003"}, [&] { HfSource source(folder); });
  fs::remove(folder / "model.safetensors.index.json");
  expect_error(ErrorCode::kNotFound, {"model.safetensors"}, [&] { HfSource source(folder); });
}

TEST(HfSource, ReadsStories260K) {
  HfSource source(stories());
  const ModelConfig config = read_config(source);
  EXPECT_EQ(config.n_layers, 5u);
  EXPECT_EQ(config.n_ff, 172u);
  EXPECT_EQ(source.tokenizer().model, "llama");
  EXPECT_EQ(source.tokenizer().bos, 1);
  EXPECT_TRUE(source.tokenizer().add_bos);
}

}  // namespace
}  // namespace hone
