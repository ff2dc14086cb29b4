// What a family reads from GGUF and config.json, and what it refuses. Logits and gradients: model_test.cpp.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "models/architecture.h"
#include "models/import_test_support.h"

namespace hone {
namespace {

using nlohmann::json;

json hf_of(const std::string& name) {
  return json::parse(read_file(golden(name) / "config.json"));
}
Metadata metadata_of(const json& config) {
  Metadata metadata;
  architecture_of_hf(config.at("model_type").get<std::string>()).metadata_from_hf(config, metadata);
  return metadata;
}
ModelConfig config_of(const json& config) {
  return architecture_of_hf(config.at("model_type").get<std::string>()).config_from_gguf(metadata_of(config));
}
// config.json with one key changed must be refused with these words.
void expect_refused(json config, const char* key, const json& value, ErrorCode code,
                    std::initializer_list<const char*> words) {
  config[key] = value;
  expect_error(code, words, [&] { config_of(config); });
}

TEST(Gemma3, ReadsBothSpellingsOfConfig) {
  const ModelConfig nested = config_of(hf_of("tiny-gemma3"));
  EXPECT_EQ(nested.windows, (std::vector<size_t>{6, 0, 6}));
  EXPECT_FLOAT_EQ(nested.rope_base, 5000.0f);
  EXPECT_FLOAT_EQ(nested.rope_scale, 0.5f);
  EXPECT_FLOAT_EQ(nested.window_rope_base, 100.0f);
  EXPECT_FLOAT_EQ(nested.embedding_scale, std::sqrt(32.0f));
  EXPECT_FLOAT_EQ(nested.attention_scale, 0.25f);
  json flat = hf_of("tiny-gemma3");
  for (const char* key : {"rope_parameters", "layer_types"}) flat.erase(key);
  flat["_sliding_window_pattern"] = 2;
  flat["rope_theta"] = 5000.0;
  flat["rope_local_base_freq"] = 100.0;
  flat["rope_scaling"] = {{"rope_type", "linear"}, {"factor", 2.0}};
  const ModelConfig config = config_of(flat);
  EXPECT_EQ(config.windows, nested.windows);
  EXPECT_FLOAT_EQ(config.rope_scale, 0.5f);
  EXPECT_FLOAT_EQ(config.window_rope_base, 100.0f);
  flat.erase("_sliding_window_pattern");
  EXPECT_EQ(config_of(flat).windows, (std::vector<size_t>{6, 6, 6}));  // of six layers, the last sees all
}

TEST(Gemma3, RefusesWhatItWouldRunWrong) {
  const json config = hf_of("tiny-gemma3");
  const auto refused = [&](const char* key, const json& value, std::initializer_list<const char*> words) {
    expect_refused(config, key, value, ErrorCode::kNotSupported, words);
  };
  refused("hidden_activation", "gelu", {"hidden_activation", "gelu_pytorch_tanh"});
  refused("final_logit_softcapping", 30.0, {"final_logit_softcapping", "30.0"});
  refused("use_bidirectional_attention", true, {"use_bidirectional_attention", "true"});
  refused("query_pre_attn_scalar", 99, {"query_pre_attn_scalar", "99", "16"});
  refused("layer_types", {"sliding_attention", "full_attention", "full_attention"},
          {"layer_types", "layer 2"});
  expect_refused(config, "layer_types", {"full_attention"}, ErrorCode::kCorruption, {"layer_types", "3"});
  expect_refused(config, "sliding_window", 0, ErrorCode::kCorruption, {"sliding_window", "expected"});
  expect_refused(config, "sliding_window", nullptr, ErrorCode::kCorruption, {"sliding_window", "missing"});
  Metadata metadata = metadata_of(config);
  metadata.erase("gemma3.attention.sliding_window");
  expect_error(ErrorCode::kCorruption, {"gemma3.attention.sliding_window", "missing"},
               [&] { architecture_named("gemma3").config_from_gguf(metadata); });
}

TEST(Gemma3, TheLargestScalesAttentionByItsOwnRule) {
  Metadata metadata = metadata_of(hf_of("tiny-gemma3"));
  metadata.set_u32("gemma3.block_count", 62);
  metadata.set_u32("gemma3.embedding_length", 36);
  EXPECT_FLOAT_EQ(architecture_named("gemma3").config_from_gguf(metadata).attention_scale, 1.0f / 3);
}

TEST(Mistral, IsALlamaWhoseLayersMayAllSeeAWindow) {
  json config = hf_of("tiny-mistral");
  EXPECT_EQ(metadata_of(config).integer("llama.attention.sliding_window"), 7u);
  EXPECT_EQ(config_of(config).windows, (std::vector<size_t>{7, 7}));
  config["sliding_window"] = nullptr;
  EXPECT_TRUE(config_of(config).windows.empty());
  config["sliding_window"] = 128;  // the context
  EXPECT_TRUE(config_of(config).windows.empty());
  expect_refused(hf_of("tiny-mistral"), "rope_parameters", {{"rope_type", "linear"}, {"factor", 2.0}},
                 ErrorCode::kNotSupported, {"sliding_window"});
}

TEST(Qwen, RefusesVariants) {
  for (const char* name : {"tiny-qwen2", "tiny-qwen3"}) {
    const json config = hf_of(name);
    expect_refused(config, "use_sliding_window", true, ErrorCode::kNotSupported, {"use_sliding_window"});
    expect_refused(config, "hidden_act", "gelu", ErrorCode::kNotSupported, {"hidden_act", "silu"});
    expect_refused(config, "rope_parameters", {{"rope_type", "yarn"}, {"factor", 2.0}},
                   ErrorCode::kNotSupported, {"rope_type", "yarn"});
  }
  expect_refused(hf_of("tiny-qwen3"), "attention_bias", true, ErrorCode::kNotSupported, {"attention_bias"});
}

TEST(Phi3, ReadsAWindowThatIsShorterThanTheContext) {
  json config = hf_of("tiny-phi3");
  EXPECT_EQ(config_of(config).windows, (std::vector<size_t>{6, 6}));
  for (const json& none : {json(nullptr), json(128), json(262144)}) {
    config["sliding_window"] = none;
    EXPECT_TRUE(config_of(config).windows.empty()) << none;
  }
}

TEST(Phi3, ReadsLongRope) {
  json config = hf_of("tiny-phi3-long");
  const ModelConfig read = config_of(config);
  EXPECT_EQ(read.short_context_length, 64u);
  EXPECT_EQ(read.context_length, 256u);
  EXPECT_EQ(read.rope_dim, 6u);
  EXPECT_EQ(read.head_dim, 8u);
  EXPECT_NEAR(read.rope_magnitude, std::sqrt(1 + std::log(4.0) / std::log(64.0)), 1e-6);
  const auto factors_of = [](const json& of) { return architecture_of_hf("phi3").rope_factors_from_hf(of); };
  ASSERT_EQ(factors_of(config).size(), 2u);
  EXPECT_EQ(factors_of(config)[1].values.size(), 3u);
  // As the first of these models wrote it.
  json old = config;
  json rope = old["rope_parameters"];
  old.erase("rope_parameters");
  old["rope_scaling"] = {
      {"type", "su"}, {"short_factor", rope["short_factor"]}, {"long_factor", rope["long_factor"]}};
  old["rope_theta"] = rope["rope_theta"];
  old["partial_rotary_factor"] = 0.75;
  old["original_max_position_embeddings"] = 64;
  EXPECT_EQ(config_of(old).rope_magnitude, read.rope_magnitude);
  EXPECT_EQ(config_of(old).rope_dim, 6u);
  EXPECT_EQ(factors_of(old)[0].values, factors_of(config)[0].values);
  old["rope_scaling"]["short_factor"] = {1.0, 2.0};
  expect_error(ErrorCode::kCorruption, {"short_factor", "got 2", "3 numbers"}, [&] { factors_of(old); });
  old["rope_scaling"]["short_factor"] = {1.0, 2.0, 0.0};
  expect_error(ErrorCode::kCorruption, {"short_factor", "got 0"}, [&] { factors_of(old); });
  old["sliding_window"] = 6;
  expect_error(ErrorCode::kNotSupported, {"sliding_window", "longrope"}, [&] { config_of(old); });
}

TEST(Phi3, RefusesWhatItWouldRunWrong) {
  const json config = hf_of("tiny-phi3");
  const auto refused = [&](const char* key, const json& value, std::initializer_list<const char*> words) {
    expect_refused(config, key, value, ErrorCode::kNotSupported, words);
  };
  refused("hidden_act", "gelu", {"hidden_act", "gelu", "silu"});
  refused("rope_parameters", {{"rope_type", "yarn"}}, {"rope_type", "yarn", "linear"});
  refused("rope_parameters", {{"partial_rotary_factor", 0.45}}, {"rope.dimension_count", "3", "even"});
  refused("rope_parameters", {{"rope_type", "linear"}, {"factor", 2.0}}, {"sliding_window", "6", "linear"});
}

}  // namespace
}  // namespace hone
