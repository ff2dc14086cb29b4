#include "models/convert.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "io/gguf.h"
#include "io/memory_source.h"
#include "io/tokenizer_io.h"
#include "models/architecture.h"
#include "models/hf_source.h"
#include "models/import_test_support.h"

namespace hone {
namespace {
namespace fs = std::filesystem;

void expect_same_tensors(WeightSource& a, WeightSource& b) {
  ASSERT_EQ(a.tensors().size(), b.tensors().size());
  for (const TensorInfo& info : a.tensors()) {
    const std::optional<size_t> at = b.find(info.name);
    ASSERT_TRUE(at) << info.name;
    EXPECT_EQ(info.shape, b.tensors()[*at].shape) << info.name;
    EXPECT_EQ(info.format, b.tensors()[*at].format) << info.name;
    EXPECT_EQ(bytes_of(a, info.name), bytes_of(b, info.name)) << info.name;
  }
}

TEST(Convert, HuggingFaceToGgufKeepsEveryByte) {
  const TestFolder scratch;
  for (const char* name : {"tiny-tied", "tiny-untied", "tiny-gemma3", "tiny-mistral", "tiny-qwen2",
                           "tiny-qwen3", "tiny-phi3", "tiny-phi3-long"}) {
    HfSource source(golden(name));
    convert_to_gguf(source, scratch / "m.gguf", "keep");
    GgufFile file(scratch / "m.gguf");
    expect_same_tensors(source, file);
    EXPECT_EQ(file.metadata().entries().size(), source.metadata().entries().size());
    EXPECT_EQ(weights_fingerprint(source), weights_fingerprint(file));
    const ModelConfig config = read_config(file);
    EXPECT_EQ(config.name, name);
  }
}

TEST(Convert, ThereAndBackIsTheSameFolder) {
  const TestFolder scratch;
  const auto round_trip = [&](const char* name, const char* dtype) {
    HfSource source(golden(name));
    convert_to_gguf(source, scratch / "m.gguf", "keep");
    GgufFile file(scratch / "m.gguf");
    const fs::path folder = scratch / name;
    convert_to_hf(file, folder, dtype);
    HfSource back(folder);
    expect_same_tensors(source, back);
    EXPECT_EQ(read_config(back).tied_embeddings, read_config(source).tied_embeddings);
    const TokenizerData &a = source.tokenizer(), &b = back.tokenizer();
    EXPECT_EQ(a.tokens, b.tokens);
    EXPECT_EQ(a.types, b.types);
    EXPECT_EQ(a.merges, b.merges);
    EXPECT_EQ(a.pre, b.pre);
    EXPECT_EQ(a.bos, b.bos);
    EXPECT_EQ(a.eos, b.eos);
    EXPECT_EQ(a.eot, b.eot);
    EXPECT_EQ(a.pad, b.pad);
    EXPECT_EQ(a.unk, b.unk);
    EXPECT_EQ(a.add_bos, b.add_bos);
    EXPECT_EQ(back.chat_template(), source.chat_template());
  };
  round_trip("tiny-tied", "f32");
  round_trip("tiny-untied", "bf16");
  for (const char* name :
       {"tiny-gemma3", "tiny-mistral", "tiny-qwen2", "tiny-qwen3", "tiny-phi3", "tiny-phi3-long"})
    round_trip(name, "f32");
}

TEST(Convert, ScoresBecomeMergesWithTheSameIds) {
  const TestFolder scratch;
  HfSource source(stories());
  convert_to_hf(source, scratch / "stories", "f32");
  HfSource back(scratch / "stories");
  expect_same_tensors(source, back);
  EXPECT_EQ(back.tokenizer().tokens, source.tokenizer().tokens);
  EXPECT_EQ(back.tokenizer().types, source.tokenizer().types);
  const Tokenizer a(source.tokenizer()), b(back.tokenizer());
  for (const char* text : {"Once upon a time, there was a little girl named Lily.", "  two  spaces",
                           "\n\nx é 日本", "She said: \"Hello!\" and ran away."}) {
    EXPECT_EQ(a.encode(text), b.encode(text)) << text;
  }
}

TEST(Convert, AChatTemplateTakesThePlaceOfTheModels) {
  const TestFolder scratch;
  HfSource source(golden("tiny-gemma3"));
  convert_to_gguf(source, scratch / "m.gguf", "keep", "{{ 'new' }}");
  GgufFile file(scratch / "m.gguf");
  EXPECT_EQ(file.metadata().string("tokenizer.chat_template"), "{{ 'new' }}");
  convert_to_hf(source, scratch / "folder", "f32", "{{ 'newer' }}");
  EXPECT_EQ(HfSource(scratch / "folder").chat_template(), "{{ 'newer' }}");
}

TEST(Convert, FloatTargets) {
  const TestFolder scratch;
  HfSource source(golden("tiny-tied"));
  for (const char* target : {"f32", "f16", "bf16"}) {
    convert_to_gguf(source, scratch / "m.gguf", target);
    GgufFile file(scratch / "m.gguf");
    for (size_t i = 0; i < file.tensors().size(); ++i) {
      const TensorInfo& info = file.tensors()[i];
      EXPECT_EQ(info.format->name, info.shape.size() == 1 ? "f32" : target) << info.name;
    }
    EXPECT_EQ(file.metadata().integer("general.file_type"), format_named(target).file_type);
  }
  expect_error(ErrorCode::kInvalidArgument, {"q4_0", "f16"},
               [&] { convert_to_gguf(source, scratch / "x", "q4_0"); });
  expect_error(ErrorCode::kInvalidArgument, {"zzz"}, [&] { convert_to_hf(source, scratch / "x", "zzz"); });
  EXPECT_FALSE(fs::exists(scratch / "x"));
}

TEST(Convert, DequantizesAndSaysSo) {
  const TestFolder scratch;
  HfSource source(golden("tiny-tied"));
  Metadata metadata = source.metadata();
  metadata.set_u32("general.quantization_version", 2);
  std::vector<MemoryTensor> tensors;
  const Format& q8 = format_of(FormatId::kQ8_0);
  for (size_t i = 0; i < source.tensors().size(); ++i) {
    TensorInfo info = source.tensors()[i];
    const std::span<const std::byte> bytes = source.data(i);
    if (info.shape.size() == 2) {
      std::vector<std::byte> quantized(q8.bytes(info.n_elements()));
      std::vector<float> values(info.n_elements());
      info.format->to_float(bytes.data(), values.data(), values.size());
      q8.from_float(values.data(), quantized.data(), values.size());
      info.format = &q8;
      tensors.push_back({info, quantized});
    } else {
      tensors.push_back({info, {bytes.begin(), bytes.end()}});
    }
  }
  MemorySource quantized(metadata, std::move(tensors));
  convert_to_gguf(quantized, scratch / "f32.gguf", "f32");
  GgufFile file(scratch / "f32.gguf");
  EXPECT_EQ(file.metadata().find("general.quantization_version"), nullptr);
  EXPECT_EQ(file.metadata().integer("general.file_type"), 0u);
  std::vector<float> expected(64 * 32);
  q8.to_float(bytes_of(quantized, "blk.0.ffn_down.weight").data(), expected.data(), expected.size());
  const std::vector<std::byte> got = bytes_of(file, "blk.0.ffn_down.weight");
  EXPECT_EQ(std::memcmp(got.data(), expected.data(), got.size()), 0);
  convert_to_gguf(quantized, scratch / "keep.gguf", "keep");
  GgufFile kept(scratch / "keep.gguf");
  EXPECT_NE(kept.metadata().find("general.quantization_version"), nullptr);
  expect_same_tensors(quantized, kept);
}

TEST(Convert, RefusesValuesThatF16CannotHold) {
  const std::vector<float> values{1.0f, 70000.0f};
  const auto bytes = std::as_bytes(std::span(values));
  const Format &f32 = format_of(FormatId::kF32), &f16 = format_of(FormatId::kF16);
  expect_error(ErrorCode::kInvalidArgument, {"blk.0.x", "70000", "bf16"},
               [&] { convert_elements("blk.0.x", f32, bytes, f16, 2); });
  EXPECT_EQ(convert_elements("blk.0.x", f32, bytes, format_of(FormatId::kBF16), 2).size(), 4u);
}

TEST(Convert, ChunksAgreeWithOnePiece) {
  const size_t n = (1u << 16) * 2 + 32;
  std::vector<float> values(n);
  for (size_t i = 0; i < n; ++i) values[i] = static_cast<float>(i % 1000) - 500.0f;
  const Format &f32 = format_of(FormatId::kF32), &bf16 = format_of(FormatId::kBF16);
  std::vector<std::byte> expected(bf16.bytes(n));
  bf16.from_float(values.data(), expected.data(), n);
  EXPECT_EQ(convert_elements("x", f32, std::as_bytes(std::span(values)), bf16, n), expected);
}

TEST(Convert, DoesNotTouchWhatIsThere) {
  const TestFolder scratch;
  HfSource source(golden("tiny-tied"));
  fs::create_directories(scratch / "full");
  write_file(scratch / "full/notes.txt", "mine");
  expect_error(ErrorCode::kInvalidArgument, {"full", "there already"},
               [&] { convert_to_hf(source, scratch / "full", "f32"); });
  EXPECT_EQ(read_file(scratch / "full/notes.txt"), "mine");
  fs::create_directories(scratch / "empty");
  convert_to_hf(source, scratch / "empty/", "f32");
  EXPECT_TRUE(fs::exists(scratch / "empty/config.json"));
  // Nothing half-written is left beside them.
  EXPECT_EQ(std::distance(fs::directory_iterator(scratch.path()), fs::directory_iterator()), 2);
}

TEST(Convert, WritesThePreTokenizerByName) {
  const TestFolder scratch;
  TokenizerData data = HfSource(golden("tiny-tied")).tokenizer();
  for (const char* pre :
       {"gpt-2", "smollm", "llama-bpe", "smaug-bpe", "qwen2", "gpt-4o", "tekken", "deepseek-coder"}) {
    data.pre = pre;
    data.add_bos = std::string(pre) == "llama-bpe";
    save_hf_tokenizer(data, "", 0, scratch.path());
    const TokenizerData back = load_tokenizer_json(scratch.path());
    EXPECT_EQ(back.pre, pre);
    EXPECT_EQ(back.add_bos, data.add_bos);
    EXPECT_EQ(back.merges, data.merges);
  }
  data.pre = "falcon";
  expect_error(ErrorCode::kNotSupported, {"falcon", "writes no tokenizer.json"},
               [&] { save_hf_tokenizer(data, "", 0, scratch.path()); });
  data.pre = "gpt-2";
  data.lstrip = {20};
  data.rstrip = {static_cast<TokenId>(data.tokens.size() - 1)};
  data.types[20] = data.types.back() = TokenType::kControl;
  save_hf_tokenizer(data, "", 0, scratch.path());
  EXPECT_EQ(load_tokenizer_json(scratch.path()).lstrip, data.lstrip);
  EXPECT_EQ(load_tokenizer_json(scratch.path()).rstrip, data.rstrip);
  data.tokens[20] = data.tokens[21];
  expect_error(ErrorCode::kNotSupported, {"20", "21"},
               [&] { save_hf_tokenizer(data, "", 0, scratch.path()); });
}

}  // namespace
}  // namespace hone
