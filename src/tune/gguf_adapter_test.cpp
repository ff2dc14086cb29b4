// Adapter GGUF files that other programs wrote: what llama.cpp's converter can make, and what should not
// load.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "base/error.h"
#include "base/folder_test_support.h"
#include "io/gguf.h"
#include "tune/adapter_files.h"
#include "tune/testing.h"

namespace hone {
namespace {

struct Written {
  std::string name;
  uint64_t cols = 0, rows = 0;
  std::string format = "f32";
  float value = 0.5f;
};

// A file as another program would write it, for tiny_llama's first block.
struct Foreign {
  Foreign() : source(testing::tiny_llama()), model(source) {
    metadata.set_string("general.type", "adapter");
    metadata.set_string("general.architecture", "llama");
    metadata.set_string("adapter.type", "lora");
    metadata.set_f32("adapter.lora.alpha", 8);
  }
  std::filesystem::path path() const { return folder.path() / "foreign.gguf"; }
  void write() const {
    std::vector<TensorInfo> infos;
    for (const Written& each : tensors)
      infos.push_back(
          {.name = each.name, .shape = {each.cols, each.rows}, .format = &format_named(each.format)});
    GgufWriter writer(path(), metadata, infos);
    for (const Written& each : tensors) {
      const Format& format = format_named(each.format);
      const std::vector<float> values(each.cols * each.rows, each.value);
      std::vector<std::byte> bytes(format.bytes(values.size()));
      format.from_float(values.data(), bytes.data(), values.size());
      writer.write_tensor(bytes);
    }
    writer.commit();
  }
  LoadedAdapter load() {
    write();
    return load_adapter(model, path(), {.fingerprint = "abc"});
  }
  void refused(ErrorCode code, const std::string& part) {
    write();
    try {
      load_adapter(model, path(), {});
      ADD_FAILURE() << "loaded, expected: " << part;
    } catch (const Error& error) {
      const std::string message = error.what();
      EXPECT_EQ(error.code(), code) << message;
      EXPECT_NE(message.find(part), std::string::npos) << message;
      EXPECT_TRUE(message.starts_with(path().string())) << message;
      EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    }
    model.for_each_linear([](size_t, Linear& linear) { EXPECT_EQ(linear.adapter(), nullptr); });
  }
  TestFolder folder;
  MemorySource source;
  Model model;
  Metadata metadata;
  std::vector<Written> tensors = {{.name = "blk.0.attn_q.weight.lora_a", .cols = 64, .rows = 4},
                                  {.name = "blk.0.attn_q.weight.lora_b", .cols = 4, .rows = 64},
                                  {.name = "blk.1.ffn_up.weight.lora_b", .cols = 32, .rows = 96},
                                  {.name = "blk.1.ffn_up.weight.lora_a", .cols = 64, .rows = 32}};
};

TEST(GgufAdapter, RanksOfItsOwnForEveryLayer) {
  Foreign foreign;
  const LoadedAdapter loaded = foreign.load();
  ASSERT_EQ(loaded.adapters.entries().size(), 2u);
  EXPECT_EQ(loaded.adapters.entries()[0].rank, 4u);
  EXPECT_EQ(loaded.adapters.entries()[1].rank, 32u);
  EXPECT_FLOAT_EQ(loaded.adapters.entries()[0].adapter->low_rank().scaling, 2.0f);
  EXPECT_FLOAT_EQ(loaded.adapters.entries()[1].adapter->low_rank().scaling, 0.25f);
  EXPECT_EQ(loaded.notes.size(), 1u);  // it does not say which weights it was trained on
}

TEST(GgufAdapter, AnAlphaOfZeroMeansTheProductAsItStands) {
  Foreign foreign;
  foreign.metadata.set_f32("adapter.lora.alpha", 0);
  const LoadedAdapter loaded = foreign.load();
  for (const AdapterSet::Entry& entry : loaded.adapters.entries())
    EXPECT_FLOAT_EQ(entry.adapter->low_rank().scaling, 1.0f);
}

TEST(GgufAdapter, FormatsOfTheConverter) {
  for (const char* format : {"f16", "bf16", "q8_0"}) {
    Foreign foreign;
    for (Written& each : foreign.tensors)
      if (each.cols % 32 == 0) each.format = format;
    const LoadedAdapter loaded = foreign.load();
    for (const AdapterSet::Entry& entry : loaded.adapters.entries())
      for (const Parameter* parameter : entry.adapter->parameters())
        EXPECT_NEAR(parameter->value.data()[parameter->value.size() - 1], 0.5f, 2e-3) << format;
  }
}

TEST(GgufAdapter, FilesThatDoNotFitAreRefusedInOneLine) {
  const auto with = [](const std::function<void(Foreign&)>& change, ErrorCode code, const char* part) {
    Foreign foreign;
    change(foreign);
    foreign.refused(code, part);
  };
  with([](Foreign& f) { f.metadata.set_string("general.architecture", "qwen2"); },
       ErrorCode::kInvalidArgument, "general.architecture: got 'qwen2', expected 'llama'");
  with([](Foreign& f) { f.metadata.set_string("general.type", "model"); }, ErrorCode::kInvalidArgument,
       "general.type: got 'model', expected 'adapter'; this is no adapter");
  with([](Foreign& f) { f.metadata.set_string("adapter.type", "ia3"); }, ErrorCode::kNotSupported, "'ia3'");
  with([](Foreign& f) { f.metadata.set_f32("adapter.lora.alpha", std::nanf("")); }, ErrorCode::kCorruption,
       "adapter.lora.alpha: got nan");
  with([](Foreign& f) { f.metadata.set_f32("adapter.lora.alpha", -1); }, ErrorCode::kCorruption, "got -1");
  with([](Foreign& f) { f.tensors.pop_back(); }, ErrorCode::kCorruption,
       "has 'blk.1.ffn_up.weight.lora_b' but its lora_a is missing");
  with([](Foreign& f) { f.tensors[0].name = "blk.7.attn_q.weight.lora_a"; }, ErrorCode::kNotSupported,
       "'blk.7.attn_q.weight.lora_a'");
  with([](Foreign& f) { f.tensors[0].name = "output.weight.lora_a"; }, ErrorCode::kNotSupported,
       "output.weight");
  with([](Foreign& f) { f.tensors[0].name = "blk.0.attn_q.weight"; }, ErrorCode::kNotSupported, "lora_a");
  // A base of another size; ranks of the two that differ.
  with([](Foreign& f) { f.tensors[0].cols = 128; }, ErrorCode::kCorruption,
       "'blk.0.attn_q.weight.lora_a': shape: got [4, 128], expected [4, 64]");
  with([](Foreign& f) { f.tensors[1].cols = 5; }, ErrorCode::kCorruption,
       "'blk.0.attn_q.weight.lora_b': shape: got [64, 5], expected [64, 4]");
  with([](Foreign& f) { f.tensors[0].rows = 5000; }, ErrorCode::kInvalidArgument, "rank: got 5000");
  with([](Foreign& f) { f.tensors[1].value = std::numeric_limits<float>::quiet_NaN(); },
       ErrorCode::kCorruption, "'blk.0.attn_q.weight.lora_b': got infinite values or NaN");
  with([](Foreign& f) { f.tensors.clear(); }, ErrorCode::kCorruption, "no adapter tensors");
}

}  // namespace
}  // namespace hone
