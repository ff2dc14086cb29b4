#include "quantize/quantize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <sstream>
#include <string>

#include "base/atomic_file.h"
#include "base/error.h"
#include "data/test_support.h"
#include "io/gguf.h"
#include "models/architecture.h"
#include "models/model.h"
#include "quantize/rounder.h"
#include "runtime/testing.h"

namespace hone {
namespace {

// n_ff of 80 does not divide into blocks of 32: ffn_down falls back.
constexpr TinyLlamaOptions kOdd{.n_ff = 80};

// Wide enough for blocks of 256.
constexpr TinyLlamaOptions kWide{.n_embd = 256, .n_ff = 512};

QuantizeOptions to(std::string_view mix) {
  return {.target = &mix_named(mix)};
}

const TensorInfo& info_of(const WeightSource& source, const char* name) {
  return source.tensors()[source.find(name).value()];
}

TEST(Quantize, WritesWhatFromFloatSays) {
  const TestFolder folder;
  MemorySource source = make_tiny_llama(3, kWide);
  for (const Mix& mix : all_mixes()) {
    const Format& base = format_of(mix.base);
    const auto path = folder.path() / (std::string(mix.name) + ".gguf");
    const QuantizeResult result = quantize_file(source, path, to(mix.name));
    GgufFile file(path);
    ASSERT_EQ(file.tensors().size(), source.tensors().size());
    uint64_t bytes = 0, elements = 0;
    for (size_t i = 0; i < file.tensors().size(); ++i) {
      const TensorInfo& info = file.tensors()[i];
      bytes += info.n_bytes();
      elements += info.n_elements();
      const std::span<const std::byte> original = source.data(i);
      std::vector<std::byte> expected(info.n_bytes());
      info.format->from_float(reinterpret_cast<const float*>(original.data()), expected.data(),
                              info.n_elements());
      EXPECT_TRUE(std::equal(expected.begin(), expected.end(), file.data(i).begin())) << info.name;
    }
    EXPECT_EQ(file.metadata().integer("general.file_type"), mix.file_type);
    EXPECT_EQ(file.metadata().find_integer("general.quantization_version").has_value(), base.quantized);
    EXPECT_EQ(file.metadata().string("general.name"), "tiny");
    EXPECT_EQ(result.file_bytes, std::filesystem::file_size(path));
    EXPECT_DOUBLE_EQ(result.bits_per_weight,
                     8.0 * static_cast<double>(bytes) / static_cast<double>(elements));
    EXPECT_EQ(info_of(file, "blk.0.attn_norm.weight").format->name, "f32");
    EXPECT_EQ(info_of(file, "blk.0.attn_q.weight").format, &base);
    EXPECT_GE(info_of(file, "token_embd.weight").format->bits_per_weight(),
              std::min(6.5, base.bits_per_weight()));
    for (const auto& [role, error] : result.relative_rms_error)
      EXPECT_LE(error, base.max_relative_rmse) << role;
    EXPECT_EQ(result.relative_rms_error.size(), mix.name == "f32" ? 0u : 8u);
    EXPECT_TRUE(result.notes.empty());
    Model model(file);
    EXPECT_EQ(model.config().n_layers, 2u);
  }
}

TEST(Quantize, MixAndOverrides) {
  MemorySource tied = make_tiny_llama(3);
  MemorySource untied = make_tiny_llama(3, {.tied = false});
  const auto format_for = [](const WeightSource& source, const QuantizeOptions& options, const char* name) {
    return plan_formats(source, options)[source.find(name).value()].format->name;
  };
  EXPECT_EQ(format_for(untied, to("q4_0"), "output.weight"), "q8_0");
  EXPECT_EQ(format_for(untied, to("q4_0"), "token_embd.weight"), "q4_0");
  EXPECT_EQ(format_for(tied, to("q5_1"), "token_embd.weight"), "q8_0");
  EXPECT_EQ(format_for(tied, to("f16"), "token_embd.weight"), "f16");
  QuantizeOptions options = to("q4_0");
  options.pure = true;
  EXPECT_EQ(format_for(tied, options, "token_embd.weight"), "q4_0");
  options.output_tensor = &format_named("f16");
  EXPECT_EQ(format_for(tied, options, "token_embd.weight"), "f16");
  EXPECT_EQ(format_for(untied, options, "output.weight"), "f16");
  EXPECT_EQ(format_for(untied, options, "token_embd.weight"), "q4_0");
  options.token_embedding = &format_named("q5_0");
  EXPECT_EQ(format_for(tied, options, "token_embd.weight"), "q5_0");
  options.overrides = {{"blk.0.*", &format_named("q8_0")}, {"*.attn_q.weight", &format_named("q4_1")}};
  EXPECT_EQ(format_for(tied, options, "blk.0.attn_q.weight"), "q8_0");
  EXPECT_EQ(format_for(tied, options, "blk.0.ffn_down.weight"), "q8_0");
  EXPECT_EQ(format_for(tied, options, "blk.1.attn_q.weight"), "q4_1");
  EXPECT_EQ(format_for(tied, options, "blk.1.ffn_down.weight"), "q4_0");
  EXPECT_EQ(format_for(tied, options, "blk.0.attn_norm.weight"), "f32");
  options.overrides = {{"blk.9.*", &format_named("q8_0")}};
  EXPECT_THROW(plan_formats(tied, options), Error);
}

TEST(Quantize, PatternsOfTensorNames) {
  EXPECT_TRUE(matches("blk.0.*", "blk.0.attn_q.weight"));
  EXPECT_FALSE(matches("blk.1.*", "blk.10.attn_q.weight"));
  EXPECT_TRUE(matches("*.ffn_*.weight", "blk.3.ffn_up.weight"));
  EXPECT_FALSE(matches("*.ffn_*.weight", "blk.3.attn_q.weight"));
  EXPECT_TRUE(matches("*", ""));
  EXPECT_TRUE(matches("a**b", "ab"));
  EXPECT_FALSE(matches("", "a"));
  EXPECT_FALSE(matches("a*b*c", "abab"));
}

// "wide" as a Phi 3: one matrix for queries, keys and values, one for gate and up.
MemorySource fused_wide() {
  Metadata metadata;
  metadata.set_string("general.architecture", "phi3");
  const std::pair<const char*, uint32_t> sizes[] = {
      {"block_count", 18},           {"context_length", 64}, {"embedding_length", 256},
      {"feed_forward_length", 256},  {"vocab_size", 64},     {"attention.head_count", 8},
      {"attention.head_count_kv", 2}};
  for (const auto& [key, size] : sizes) metadata.set_u32(std::string("phi3.") + key, size);
  metadata.set_f32("phi3.attention.layer_norm_rms_epsilon", 1e-5f);
  const Architecture& arch = architecture_named("phi3");
  const ModelConfig config = arch.config_from_gguf(metadata);
  std::vector<MemoryTensor> tensors;
  for (const TensorRow& row : arch.tensors)
    for (size_t layer = 0; layer < (row.per_layer ? config.n_layers : 1); ++layer) {
      const uint64_t cols = resolve(row.cols, config), rows = resolve(row.rows, config);
      std::vector<uint64_t> shape{cols};
      if (row.rows != Dim::kNone) shape.push_back(rows);
      tensors.push_back(make_tensor(gguf_name(row, layer), shape, format_of(FormatId::kF16),
                                    std::vector<float>(cols * rows)));
    }
  return MemorySource(metadata, std::move(tensors), "fused");
}

// tests/golden/quantize/types.txt, written by generate.py there from the same shapes.
TEST(Quantize, MixesAreLlamaCppsTensorByTensor) {
  const MemorySource narrow =
      make_tiny_llama(1, {.n_layers = 30, .n_embd = 96, .n_ff = 256, .n_heads = 3, .n_kv_heads = 1});
  const MemorySource wide = make_tiny_llama(
      1, {.n_layers = 18, .n_embd = 256, .n_ff = 256, .n_heads = 8, .n_kv_heads = 2, .tied = false});
  const MemorySource fused = fused_wide();
  const MemorySource deep = make_tiny_llama(
      1, {.n_layers = 80, .n_embd = 256, .n_ff = 256, .n_heads = 8, .n_kv_heads = 4, .tied = false});
  std::istringstream lines(read_file(HONE_TEST_DATA "/golden/quantize/types.txt"));
  size_t n_tensors = 0;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string model, mix, tensor, expected;
    words >> model >> mix >> tensor;
    const MemorySource& source = model == "narrow" ? narrow
                                 : model == "wide" ? wide
                                 : model == "deep" ? deep
                                                   : fused;
    const std::vector<TensorPlan> plans = plan_formats(source, to(mix));
    const bool per_layer = tensor != "token_embd" && tensor != "output";
    for (size_t layer = 0; words >> expected; ++layer, ++n_tensors) {
      const std::string name = (per_layer ? "blk." + std::to_string(layer) + "." : "") + tensor + ".weight";
      EXPECT_EQ(plans[source.find(name).value()].format->name, expected)
          << model << " " << mix << " " << name;
    }
  }
  EXPECT_EQ(n_tensors, 14u * (30 * 7 + 1 + 18 * 7 + 2 + 18 * 4 + 2 + 80 * 7 + 2));
}

TEST(Quantize, AFormatsNameIsItsMediumMix) {
  EXPECT_EQ(&mix_named("q4_k"), &mix_named("q4_k_m"));
  EXPECT_EQ(mix_named("q2_k").name, "q2_k");
  EXPECT_EQ(find_mix("q4"), nullptr);
  for (const Format* format : all_formats()) {
    if (!format->encodes()) continue;
    EXPECT_EQ(mix_named(format->name).base, format->id);
  }
}

TEST(Quantize, FormatsThatAreOnlyReadAreRefusedByName) {
  for (const Format* format : all_formats()) {
    if (format->encodes()) continue;
    const std::string message = error_of(ErrorCode::kNotSupported, [&] { mix_named(format->name); });
    EXPECT_NE(message.find(std::string(format->name) + "\", which hone reads and runs but does not write"),
              std::string::npos)
        << message;
  }
}

TEST(Quantize, OddRowsFallBackWithANote) {
  const TestFolder folder;
  MemorySource source = make_tiny_llama(3, kOdd);
  const QuantizeResult result = quantize_file(source, folder.path() / "a.gguf", to("q4_0"));
  GgufFile file(result.output);
  EXPECT_EQ(info_of(file, "blk.1.ffn_down.weight").format->name, "f16");
  EXPECT_EQ(info_of(file, "blk.1.ffn_up.weight").format->name, "q4_0");
  EXPECT_EQ(result.notes,
            (std::vector<std::string>{"blk.0.ffn_down.weight and 1 more: rows of 80 do not divide into "
                                      "blocks of 32: f16 instead of q4_0"}));
  EXPECT_EQ(result.formats.at("f16"), 2u);
}

TEST(Quantize, RoundingTwiceNeedsLeave) {
  const TestFolder folder;
  MemorySource source = make_tiny_llama(3, {.format = "q8_0"});
  const auto path = folder.path() / "a.gguf";
  QuantizeOptions options = to("q4_0");
  const std::string message =
      error_of(ErrorCode::kInvalidArgument, [&] { quantize_file(source, path, options); });
  EXPECT_NE(message.find("--allow-requantize"), std::string::npos) << message;
  EXPECT_FALSE(std::filesystem::exists(path));
  options.allow_requantize = true;
  quantize_file(source, path, options);
  // The same format: the same bytes, no rounding. Back to float: no leave needed.
  quantize_file(source, folder.path() / "b.gguf", to("q8_0"));
  GgufFile same(folder.path() / "b.gguf");
  for (size_t i = 0; i < same.tensors().size(); ++i) {
    const auto expected = source.data(i);
    EXPECT_TRUE(std::equal(expected.begin(), expected.end(), same.data(i).begin(), same.data(i).end()));
  }
  EXPECT_NO_THROW(quantize_file(source, folder.path() / "c.gguf", to("f16")));
}

TEST(Quantize, BadInputIsRefusedAndLeavesNothing) {
  const TestFolder folder;
  const auto path = folder.path() / "a.gguf";
  MemorySource source = make_tiny_llama(3);
  const size_t victim = source.find("blk.0.attn_k.weight").value();
  const float nan = std::nanf("");
  std::memcpy(const_cast<std::byte*>(source.data(victim).data()) + 400, &nan, sizeof nan);
  const std::string message =
      error_of(ErrorCode::kCorruption, [&] { quantize_file(source, path, to("q4_0")); });
  EXPECT_NE(message.find("blk.0.attn_k.weight"), std::string::npos) << message;
  const float large = 1e6f;
  std::memcpy(const_cast<std::byte*>(source.data(victim).data()) + 400, &large, sizeof large);
  error_of(ErrorCode::kCorruption, [&] { quantize_file(source, path, to("f16")); });
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));

  MemorySource good = make_tiny_llama(3);
  quantize_file(good, path, to("f16"));
  GgufFile itself(path);
  error_of(ErrorCode::kInvalidArgument, [&] { quantize_file(itself, path, to("q4_0")); });
  QuantizeOptions options = to("q4_0");
  options.method = "magic";
  EXPECT_NE(error_of(ErrorCode::kInvalidArgument, [&] { quantize_file(good, path, options); }).find("rtn"),
            std::string::npos);
}

}  // namespace
}  // namespace hone
