#include "tune/merge.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/folder_test_support.h"
#include "io/gguf.h"
#include "tune/testing.h"

namespace hone {
namespace {

struct Case {
  explicit Case(const std::string& format, double scale = 0.1)
      : source(testing::tiny_llama({.format = format})) {
    Model model(source);
    AdapterSet set = AdapterSet::create(model, {.rank = 4, .alpha = 8});
    testing::randomize(set.parameters(), scale, 3);
    save_peft(set, {.base_name = "tiny", .base_fingerprint = "abc", .training = {}}, folder.path() / "peft");
  }
  std::vector<AdapterChoice> adapters() const { return {{.path = folder.path() / "peft"}}; }
  std::filesystem::path output() const { return folder.path() / "merged.gguf"; }
  TestFolder folder;
  MemorySource source;
};

TEST(Merge, KeepsTheAdaptedLogits) {
  for (const char* base : {"f32", "q4_0", "q8_0"}) {
    for (const char* to : {"f16", "bf16", "f32"}) {
      Case c(base);
      // bf16 keeps 8 bits; its bound is its own.
      const MergeResult result =
          merge(c.source, "abc", c.adapters(), c.output(),
                {.format = to, .max_difference = std::string(to) == "bf16" ? 0.5 : 0.05});
      EXPECT_GT(result.logit_rms, 0.1);
      EXPECT_LT(result.max_logit_difference, std::string(to) == "f32" ? 1e-3 : 0.5) << base << " to " << to;
      GgufFile file(c.output());
      EXPECT_EQ(file.tensors().size(), c.source.tensors().size());
      for (size_t i = 0; i < file.tensors().size(); ++i) {
        EXPECT_EQ(file.tensors()[i].name, c.source.tensors()[i].name);
        EXPECT_EQ(file.tensors()[i].format->name, file.tensors()[i].shape.size() > 1 ? to : "f32");
      }
      EXPECT_EQ(file.metadata().integer("general.file_type"), format_named(to).file_type);
      EXPECT_EQ(file.metadata().string("hone.merged_from.base"), "abc");
      EXPECT_FALSE(std::filesystem::exists(c.output().string() + ".unproven"));
    }
  }
}

TEST(Merge, ChangesTheWeightsByScalingTimesBA) {
  Case c("f32");
  merge(c.source, "abc", c.adapters(), c.output(), {.format = "f32"});
  Model model(c.source);
  const LoadedAdapter loaded = load_adapter(model, c.folder.path() / "peft", {});
  const AdapterSet::Entry& entry = loaded.adapters.entries()[8];  // layer 1, attn_k
  ASSERT_EQ(entry.linear->name(), "blk.1.attn_k.weight");
  const Tensor& a = entry.adapter->parameters()[0]->value;
  const Tensor& b = entry.adapter->parameters()[1]->value;
  GgufFile file(c.output());
  const auto bytes = file.data(*file.find("blk.1.attn_k.weight"));
  const auto before = c.source.data(*c.source.find("blk.1.attn_k.weight"));
  const auto* merged = reinterpret_cast<const float*>(bytes.data());
  const auto* base = reinterpret_cast<const float*>(before.data());
  for (size_t row : {size_t{0}, size_t{17}, size_t{31}}) {
    for (size_t col = 0; col < 64; col += 13) {
      double delta = 0;
      for (size_t k = 0; k < 4; ++k) delta += static_cast<double>(b.row(row)[k]) * a.row(k)[col];
      EXPECT_NEAR(merged[row * 64 + col], base[row * 64 + col] + 2.0 * delta, 1e-5);
    }
  }
}

TEST(Merge, WrongBaseIsRefusedAndNothingIsLeft) {
  Case c("f32");
  EXPECT_THROW(merge(c.source, "def", c.adapters(), c.output(), {}), Error);
  EXPECT_FALSE(std::filesystem::exists(c.output()));
}

TEST(Merge, OverflowNamesTheTensorAndKeepsTheEarlierFile) {
  Case c("f32", 200.0);
  write_file(c.output(), "earlier");
  try {
    merge(c.source, "abc", c.adapters(), c.output(), {});
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(std::string(error.what()).find("blk.0.attn_q.weight"), std::string::npos) << error.what();
  }
  EXPECT_EQ(read_file(c.output()), "earlier");
  EXPECT_FALSE(std::filesystem::exists(c.output().string() + ".unproven"));
}

TEST(Merge, TooLargeADifferenceIsRefused) {
  Case c("f32");
  EXPECT_THROW(merge(c.source, "abc", c.adapters(), c.output(), {.format = "f16", .max_difference = 1e-9}),
               Error);
  EXPECT_FALSE(std::filesystem::exists(c.output()));
  EXPECT_THROW(merge(c.source, "abc", c.adapters(), c.output(), {.format = "q4_0"}), Error);
}

}  // namespace
}  // namespace hone
