#include "models/architecture.h"

#include <gtest/gtest.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "io/memory_source.h"
#include "models/import_test_support.h"

namespace hone {
namespace {

using nlohmann::json;

Metadata small_metadata() {
  Metadata metadata;
  metadata.set_string("general.architecture", "llama");
  metadata.set_u32("llama.block_count", 2);
  metadata.set_u32("llama.context_length", 64);
  metadata.set_u32("llama.embedding_length", 16);
  metadata.set_u32("llama.feed_forward_length", 24);
  metadata.set_u32("llama.attention.head_count", 4);
  metadata.set_u32("llama.attention.head_count_kv", 2);
  metadata.set_f32("llama.attention.layer_norm_rms_epsilon", 1e-5f);
  metadata.set_u32("llama.vocab_size", 10);
  return metadata;
}

ModelConfig config_of(const Metadata& metadata) {
  return architecture_named("llama").config_from_gguf(metadata);
}

// Every required tensor of the table, zeros, but for those named in `skip`.
std::vector<MemoryTensor> tensors_of(const Metadata& metadata, const std::string& skip = "") {
  const Architecture& arch = architecture_named("llama");
  const ModelConfig config = config_of(metadata);
  std::vector<MemoryTensor> tensors;
  for (const TensorRow& row : arch.tensors) {
    if (!row.required) continue;
    for (size_t layer = 0; layer < (row.per_layer ? config.n_layers : 1); ++layer) {
      std::vector<uint64_t> shape{resolve(row.cols, config)};
      if (row.rows != Dim::kNone) shape.push_back(resolve(row.rows, config));
      const std::string name = gguf_name(row, layer);
      size_t n = 1;
      for (const uint64_t d : shape) n *= d;
      if (name != skip)
        tensors.push_back(make_tensor(name, shape, format_of(FormatId::kF32), std::vector<float>(n, 0.0f)));
    }
  }
  return tensors;
}

json small_hf() {
  return json::parse(R"({"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 49152,
    "hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30, "num_attention_heads": 9,
    "num_key_value_heads": 3, "max_position_embeddings": 8192, "rms_norm_eps": 1e-05, "rope_theta": 100000,
    "rope_scaling": null, "hidden_act": "silu", "tie_word_embeddings": true, "attention_bias": false})");
}

Metadata from_hf(const json& config) {
  Metadata metadata;
  architecture_of_hf("llama").metadata_from_hf(config, metadata);
  return metadata;
}

TEST(Architecture, FindsRowsByName) {
  const Architecture& arch = architecture_named("llama");
  size_t layer = 77;
  const TensorRow* row = find_row(arch, "blk.12.attn_q.weight", &layer);
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(layer, 12u);
  EXPECT_EQ(row->role, TensorRole::kAttnQ);
  EXPECT_EQ(hf_name(*row, 12), "model.layers.12.self_attn.q_proj.weight");
  EXPECT_EQ(gguf_name(*row, 0), "blk.0.attn_q.weight");
  ASSERT_NE(find_row(arch, "output.weight"), nullptr);
  for (const char* name :
       {"blk.attn_q.weight", "blk..attn_q.weight", "blk.01.attn_q.weight", "blk.-1.attn_q.weight",
        "blk.1.attn_q.bias", "blk.1.attn_q.weightx", "blk.99999999999999999999.attn_q.weight", "",
        "blk.1x.attn_q.weight", "blk.{}.attn_q.weight"})
    EXPECT_EQ(find_row(arch, name), nullptr) << name;
}

TEST(Architecture, EveryRowIsFoundAndUnique) {
  for (const Architecture* arch : all_architectures()) {
    for (const TensorRow& row : arch->tensors)
      EXPECT_EQ(find_row(*arch, gguf_name(row, 3)), &row) << row.gguf;
    EXPECT_EQ(&architecture_named(arch->gguf_name), arch);
    EXPECT_EQ(&architecture_of_hf(arch->hf_model_type), arch);
  }
  expect_error(ErrorCode::kNotSupported, {"mamba", "llama"}, [] { architecture_named("mamba"); });
  expect_error(ErrorCode::kNotSupported, {"bert", "llama"}, [] { architecture_of_hf("bert"); });
}

TEST(Architecture, PermutesRopeRowsPerHead) {
  // Two heads of four rows: Hugging Face's halves (0 1 | 2 3) become pairs (0 2 1 3).
  const std::vector<uint16_t> hf{0, 1, 2, 3, 10, 11, 12, 13}, expected{0, 2, 1, 3, 10, 12, 11, 13};
  std::vector<uint16_t> gguf(8), back(8);
  const auto bytes = [](const std::vector<uint16_t>& v) {
    return reinterpret_cast<const std::byte*>(v.data());
  };
  permute_rope_rows(bytes(hf), reinterpret_cast<std::byte*>(gguf.data()), 8, 2, 2, true);
  EXPECT_EQ(gguf, expected);
  permute_rope_rows(bytes(gguf), reinterpret_cast<std::byte*>(back.data()), 8, 2, 2, false);
  EXPECT_EQ(back, hf);
}

TEST(Llama, ReadsGgufConfig) {
  const ModelConfig config = config_of(small_metadata());
  EXPECT_EQ(config.n_layers, 2u);
  EXPECT_EQ(config.head_dim, 4u);
  EXPECT_EQ(config.rope_dim, 4u);
  EXPECT_EQ(config.n_kv_heads, 2u);
  EXPECT_FLOAT_EQ(config.rope_base, 10000.0f);
  EXPECT_FLOAT_EQ(config.rope_scale, 1.0f);
  Metadata metadata = small_metadata();
  metadata.erase("llama.attention.head_count_kv");
  metadata.erase("llama.vocab_size");
  metadata.set_strings("tokenizer.ggml.tokens", {"a", "b", "c"});
  metadata.set_u32("llama.attention.key_length", 8);
  metadata.set_u32("llama.attention.value_length", 8);
  metadata.set_string("llama.rope.scaling.type", "linear");
  metadata.set_f32("llama.rope.scaling.factor", 4.0f);
  const ModelConfig other = config_of(metadata);
  EXPECT_EQ(other.n_kv_heads, 4u);
  EXPECT_EQ(other.n_vocab, 3u);
  EXPECT_EQ(other.head_dim, 8u);
  EXPECT_FLOAT_EQ(other.rope_scale, 0.25f);
}

TEST(Llama, RefusesBadNumbersNamingTheKey) {
  struct Case {
    const char* key;
    uint32_t value;
  };
  for (const Case& bad :
       {Case{"llama.block_count", 0}, Case{"llama.block_count", 1001}, Case{"llama.embedding_length", 0},
        Case{"llama.embedding_length", 4000000000u}, Case{"llama.feed_forward_length", 0},
        Case{"llama.attention.head_count", 0}, Case{"llama.attention.head_count_kv", 0},
        Case{"llama.context_length", 0}, Case{"llama.vocab_size", 0}}) {
    Metadata metadata = small_metadata();
    metadata.set_u32(bad.key, bad.value);
    expect_error(ErrorCode::kCorruption, {bad.key, "expected"}, [&] { config_of(metadata); });
  }
  for (const char* key : {"llama.block_count", "llama.embedding_length", "llama.feed_forward_length",
                          "llama.attention.head_count", "llama.attention.layer_norm_rms_epsilon",
                          "llama.context_length", "llama.vocab_size"}) {
    Metadata metadata = small_metadata();
    metadata.erase(key);
    expect_error(ErrorCode::kCorruption, {key, "missing"}, [&] { config_of(metadata); });
  }
  for (const float eps : {0.0f, -1.0f, std::numeric_limits<float>::infinity(), std::nanf("")}) {
    Metadata metadata = small_metadata();
    metadata.set_f32("llama.attention.layer_norm_rms_epsilon", eps);
    expect_error(ErrorCode::kCorruption, {"epsilon"}, [&] { config_of(metadata); });
  }
}

TEST(Llama, RefusesImpossibleHeads) {
  Metadata metadata = small_metadata();
  metadata.set_u32("llama.attention.head_count_kv", 3);
  expect_error(ErrorCode::kCorruption, {"4", "3", "multiple"}, [&] { config_of(metadata); });
  metadata = small_metadata();
  metadata.set_u32("llama.attention.head_count", 3);
  expect_error(ErrorCode::kCorruption, {"head"}, [&] { config_of(metadata); });
  metadata = small_metadata();
  metadata.set_u32("llama.attention.key_length", 3);
  expect_error(ErrorCode::kCorruption, {"even"}, [&] { config_of(metadata); });
  metadata = small_metadata();
  metadata.set_u32("llama.rope.dimension_count", 2);
  expect_error(ErrorCode::kNotSupported, {"rope.dimension_count"}, [&] { config_of(metadata); });
  metadata = small_metadata();
  metadata.set_string("llama.rope.scaling.type", "yarn");
  expect_error(ErrorCode::kNotSupported, {"yarn", "linear"}, [&] { config_of(metadata); });
  metadata = small_metadata();
  metadata.set_u32("llama.expert_count", 8);
  expect_error(ErrorCode::kNotSupported, {"expert_count"}, [&] { config_of(metadata); });
}

TEST(Llama, ChecksTheTensorDirectory) {
  const Metadata metadata = small_metadata();
  MemorySource whole(metadata, tensors_of(metadata));
  EXPECT_TRUE(read_config(whole).tied_embeddings);
  MemorySource lacking(metadata, tensors_of(metadata, "blk.1.ffn_up.weight"));
  expect_error(ErrorCode::kCorruption, {"blk.1.ffn_up.weight", "missing"}, [&] { read_config(lacking); });
  std::vector<MemoryTensor> tensors = tensors_of(metadata);
  tensors.push_back(
      make_tensor("blk.2.attn_norm.weight", {16}, format_of(FormatId::kF32), std::vector<float>(16)));
  MemorySource extra(metadata, tensors);
  expect_error(ErrorCode::kNotSupported, {"blk.2.attn_norm.weight"}, [&] { read_config(extra); });
  tensors = tensors_of(metadata, "blk.0.attn_k.weight");
  tensors.push_back(
      make_tensor("blk.0.attn_k.weight", {8, 16}, format_of(FormatId::kF32), std::vector<float>(128)));
  MemorySource wrong(metadata, tensors);
  expect_error(ErrorCode::kCorruption, {"blk.0.attn_k.weight", "[8, 16]", "[16, 8]"},
               [&] { read_config(wrong); });
  Metadata nameless = metadata;
  nameless.erase("general.architecture");
  MemorySource unknown(nameless, {});
  expect_error(ErrorCode::kCorruption, {"general.architecture"}, [&] { read_config(unknown); });
}

TEST(Llama, LinearRopeScalingAsOthersReadIt) {
  const auto scale = [](const std::function<void(Metadata&)>& change) {
    Metadata metadata = small_metadata();
    change(metadata);
    return config_of(metadata).rope_scale;
  };
  EXPECT_FLOAT_EQ(scale([](Metadata&) {}), 1.0f);
  EXPECT_FLOAT_EQ(scale([](Metadata& m) { m.set_f32("llama.rope.scaling.factor", 4); }), 0.25f);
  EXPECT_FLOAT_EQ(scale([](Metadata& m) { m.set_f32("llama.rope.scale_linear", 2); }), 0.5f);
  EXPECT_FLOAT_EQ(scale([](Metadata& m) { m.set_string("llama.rope.scaling.type", "linear"); }), 1.0f);
  EXPECT_FLOAT_EQ(scale([](Metadata& m) { m.set_f32("llama.rope.scaling.factor", 0); }), 1.0f);
  EXPECT_FLOAT_EQ(scale([](Metadata& m) {
                    m.set_string("llama.rope.scaling.type", "none");
                    m.set_f32("llama.rope.scaling.factor", 4);
                  }),
                  1.0f);
}

TEST(Llama, RefusesWhatWouldRunWrongly) {
  Metadata metadata = small_metadata();
  metadata.set_strings("tokenizer.ggml.tokens", std::vector<std::string>(11, "t"));
  expect_error(ErrorCode::kCorruption, {"llama.vocab_size", "10", "11 tokens"}, [&] { config_of(metadata); });
  metadata = small_metadata();
  metadata.set_u32("split.count", 3);
  MemorySource part(metadata, tensors_of(metadata));
  expect_error(ErrorCode::kNotSupported, {"one of 3 parts", "llama-gguf-split --merge"},
               [&] { read_config(part); });
  metadata = small_metadata();
  metadata.set_u32("llama.attention.sliding_window", 16);
  std::vector<MemoryTensor> tensors = tensors_of(metadata);
  tensors.push_back(
      make_tensor("rope_freqs.weight", {2}, format_of(FormatId::kF32), std::vector<float>{1, 8}));
  MemorySource both(metadata, tensors);
  expect_error(ErrorCode::kNotSupported, {"rope_freqs.weight", "window"}, [&] { read_config(both); });
}

TEST(Llama, ReadsOutputAndRopeFactors) {
  const Metadata metadata = small_metadata();
  std::vector<MemoryTensor> tensors = tensors_of(metadata);
  tensors.push_back(
      make_tensor("output.weight", {16, 10}, format_of(FormatId::kF32), std::vector<float>(160)));
  tensors.push_back(
      make_tensor("rope_freqs.weight", {2}, format_of(FormatId::kF32), std::vector<float>{1.0f, 8.0f}));
  MemorySource source(metadata, tensors);
  const ModelConfig config = read_config(source);
  EXPECT_FALSE(config.tied_embeddings);
  const std::vector<float> frequencies = rope_frequencies(config, config.rope_factors);
  ASSERT_EQ(frequencies.size(), 2u);
  EXPECT_FLOAT_EQ(frequencies[0], 1.0f);
  EXPECT_FLOAT_EQ(frequencies[1], 0.01f / 8.0f);
  tensors.back() =
      make_tensor("rope_freqs.weight", {2}, format_of(FormatId::kF32), std::vector<float>{1.0f, 0.0f});
  MemorySource zero(metadata, tensors);
  expect_error(ErrorCode::kCorruption, {"rope_freqs.weight"}, [&] { read_config(zero); });
}

TEST(Llama, WritesGgufKeysOfAnHfConfig) {
  // Values of the published SmolLM2-135M GGUF file.
  const Metadata metadata = from_hf(small_hf());
  EXPECT_EQ(metadata.integer("llama.block_count"), 30u);
  EXPECT_EQ(metadata.integer("llama.context_length"), 8192u);
  EXPECT_EQ(metadata.integer("llama.embedding_length"), 576u);
  EXPECT_EQ(metadata.integer("llama.feed_forward_length"), 1536u);
  EXPECT_EQ(metadata.integer("llama.attention.head_count"), 9u);
  EXPECT_EQ(metadata.integer("llama.attention.head_count_kv"), 3u);
  EXPECT_EQ(metadata.number("llama.rope.freq_base"), 100000.0);
  EXPECT_EQ(metadata.number("llama.attention.layer_norm_rms_epsilon"), static_cast<double>(1e-5f));
  EXPECT_EQ(metadata.integer("llama.vocab_size"), 49152u);
  EXPECT_EQ(metadata.integer("llama.rope.dimension_count"), 64u);
  EXPECT_EQ(metadata.find("llama.attention.key_length"), nullptr);
  EXPECT_EQ(metadata.find("llama.rope.scaling.type"), nullptr);
}

TEST(Llama, HfConfigSurvivesTheWayThereAndBack) {
  json config = small_hf();
  config["rope_scaling"] = {{"rope_type", "linear"}, {"factor", 4.0}};
  ModelConfig parsed = config_of(from_hf(config));
  parsed.tied_embeddings = true;
  nlohmann::ordered_json back;
  architecture_named("llama").hf_from_config(parsed, back);
  EXPECT_EQ(back["rms_norm_eps"].dump(), "1e-05");
  for (const char* key : {"vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers",
                          "num_attention_heads", "num_key_value_heads", "max_position_embeddings",
                          "rope_scaling", "tie_word_embeddings", "architectures", "model_type"})
    EXPECT_EQ(json::parse(back[key].dump()), config[key]) << key;
  EXPECT_EQ(back["rope_theta"].get<double>(), 1e5);
}

TEST(Llama, RefusesVariantsOfHfConfigs) {
  const auto refused = [](const char* key, json value, ErrorCode code, const char* word) {
    json config = small_hf();
    config[key] = std::move(value);
    expect_error(code, {key, word}, [&] { from_hf(config); });
  };
  refused("attention_bias", true, ErrorCode::kNotSupported, "bias");
  refused("mlp_bias", true, ErrorCode::kNotSupported, "bias");
  refused("hidden_act", "gelu", ErrorCode::kNotSupported, "gelu");
  refused("rope_scaling", json{{"type", "yarn"}, {"factor", 2}}, ErrorCode::kNotSupported, "yarn");
  refused("rope_scaling", json::array({1}), ErrorCode::kCorruption, "array");
  refused("hidden_size", -3, ErrorCode::kCorruption, "-3");
  refused("hidden_size", "576", ErrorCode::kCorruption, "576");
  refused("hidden_size", nullptr, ErrorCode::kCorruption, "missing");
  refused("num_hidden_layers", 5000, ErrorCode::kCorruption, "5000");
  refused("rms_norm_eps", 0, ErrorCode::kCorruption, "0");
}

TEST(Llama, ComputesLlama3RopeFactors) {
  // Ratios of default to llama3 inverse frequencies by transformers' ROPE_INIT_FUNCTIONS["llama3"],
  // head_dim 16.
  json config = small_hf();
  config["head_dim"] = 16;
  config["rope_parameters"] = {{"rope_type", "llama3"},   {"rope_theta", 500.0},
                               {"factor", 8.0},           {"low_freq_factor", 1.0},
                               {"high_freq_factor", 4.0}, {"original_max_position_embeddings", 32}};
  const std::vector<float> factors = architecture_named("llama").rope_factors_from_hf(config).at(0).values;
  const std::vector<float> expected{1.0f, 1.936351f, 6.781182f, 8.0f, 8.0f, 8.0f, 8.0f, 8.0f};
  ASSERT_EQ(factors.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(factors[i], expected[i], 1e-5f * expected[i]) << i;
  EXPECT_EQ(from_hf(config).number("llama.rope.freq_base"), 500.0);
  EXPECT_TRUE(architecture_named("llama").rope_factors_from_hf(small_hf()).empty());
}

}  // namespace
}  // namespace hone
