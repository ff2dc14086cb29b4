// Several adapters on one model: sums, scales, order of work, and what is refused.
#include "tune/adapter_stack.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/folder_test_support.h"
#include "tune/testing.h"

namespace hone {
namespace {

// A tiny base and two adapters of different ranks, targets and containers, as files.
struct Two {
  Two() : source(testing::tiny_llama()), model(source) {
    AdapterSet first = AdapterSet::create(model, {.rank = 4, .alpha = 8, .targets = {"q_proj", "down_proj"}});
    testing::randomize(first.parameters(), 0.2, 3);
    save_adapter_gguf(first, papers, folder.path() / "a.gguf");
    AdapterSet second = AdapterSet::create(model, {.rank = 2, .alpha = 2, .rslora = true});
    testing::randomize(second.parameters(), 0.2, 4);
    save_peft(second, papers, folder.path() / "b");
    second.detach();
  }
  AdapterChoice a(double scale = 1) const { return {.path = folder.path() / "a.gguf", .scale = scale}; }
  AdapterChoice b(double scale = 1) const { return {.path = folder.path() / "b", .scale = scale}; }
  Tensor logits() const {
    OpContext ctx{.compute = ComputeMode::kPrecise};
    const std::vector<int32_t> ids = {1, 7, 30, 4, 11};
    return model.logits(ctx, model.hidden(ctx, TokenBatch::single(ids)));
  }
  // W of one layer with whatever is on it, by way of merge_rows.
  std::vector<float> weight(const std::string& name) const {
    std::vector<float> w;
    model.for_each_linear([&](size_t, const Linear& linear) {
      if (linear.name() != name) return;
      w.resize(linear.out_features() * linear.in_features());
      linear.dequantize_rows(0, linear.out_features(), w.data());
      if (linear.adapter() != nullptr)
        linear.adapter()->merge_rows(linear, 0, linear.out_features(), w.data());
    });
    return w;
  }
  TestFolder folder;
  MemorySource source;
  Model model;
  AdapterPapers papers{.base_name = "tiny", .base_fingerprint = "abc", .training = {}};
};

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}
double largest_difference(const Tensor& a, const Tensor& b) {
  double most = 0;
  for (size_t i = 0; i < a.size(); ++i) most = std::max(most, std::fabs(double{a.data()[i]} - b.data()[i]));
  return most;
}

TEST(AdapterStack, WeightsAddUpWithTheirScales) {
  Two two;
  // attn_q has both adapters, ffn_up only the second.
  for (const char* name : {"blk.1.attn_q.weight", "blk.0.ffn_up.weight"}) {
    const std::vector<float> base = two.weight(name);
    std::vector<float> with_a, with_b, with_both;
    {
      AdapterStack stack(two.model);
      stack.add(two.a(), {});
      with_a = two.weight(name);
    }
    {
      AdapterStack stack(two.model);
      stack.add(two.b(), {});
      with_b = two.weight(name);
    }
    AdapterStack stack(two.model);
    stack.add(two.a(0.5), {});
    stack.add(two.b(-2), {});
    with_both = two.weight(name);
    double moved = 0;
    for (size_t i = 0; i < base.size(); ++i) {
      EXPECT_NEAR(with_both[i], base[i] + 0.5 * (with_a[i] - base[i]) - 2 * (with_b[i] - base[i]), 2e-5);
      moved = std::max(moved, std::fabs(double{with_both[i]} - base[i]));
    }
    EXPECT_GT(moved, 0.1) << name;
  }
}

TEST(AdapterStack, ForwardComputesTheSummedWeights) {
  Two two;
  AdapterStack stack(two.model);
  stack.add(two.a(0.5), {});
  stack.add(two.b(0.25), {});
  const Tensor together = two.logits();
  // The same weights in a base of their own.
  std::vector<MemoryTensor> tensors;
  for (size_t i = 0; i < two.source.tensors().size(); ++i) {
    const TensorInfo& info = two.source.tensors()[i];
    std::vector<float> values = two.weight(info.name);
    if (values.empty()) {
      const auto bytes = two.source.data(i);
      values.resize(info.n_elements());
      std::memcpy(values.data(), bytes.data(), bytes.size());
    }
    tensors.push_back(make_tensor(info.name, info.shape, *info.format, values));
  }
  MemorySource merged(two.source.metadata(), std::move(tensors));
  const Model model(merged);
  OpContext ctx{.compute = ComputeMode::kPrecise};
  const std::vector<int32_t> ids = {1, 7, 30, 4, 11};
  EXPECT_LT(largest_difference(together, model.logits(ctx, model.hidden(ctx, TokenBatch::single(ids)))),
            1e-4);
}

TEST(AdapterStack, ScalesChangeAtAnyTimeAndTheBaseComesBackBitForBit) {
  Two two;
  const Tensor base = two.logits();
  AdapterStack stack(two.model);
  stack.add(two.a(), {});
  const Tensor with_a = two.logits();
  stack.add(two.b(), {});
  const Tensor both = two.logits();
  EXPECT_GT(largest_difference(base, with_a), 0.05);
  EXPECT_GT(largest_difference(with_a, both), 0.05);
  stack.set_scale(1, 0);
  EXPECT_TRUE(same_bits(two.logits(), with_a)) << "one adapter of scale 1 is as if loaded alone";
  stack.set_scales(std::vector<double>{0, 0});
  EXPECT_TRUE(same_bits(two.logits(), base));
  stack.set_scales(std::vector<double>{1, 1});
  EXPECT_TRUE(same_bits(two.logits(), both));
  EXPECT_EQ(stack.size(), 2u);
  EXPECT_EQ(stack.choice(1).path, two.b().path);
  EXPECT_THROW(stack.set_scale(0, std::numeric_limits<double>::quiet_NaN()), Error);
  EXPECT_TRUE(same_bits(two.logits(), both));
}

TEST(AdapterStack, AFailedLoadLeavesTheOthersOn) {
  Two two;
  const Tensor base = two.logits();
  {
    AdapterStack stack(two.model);
    stack.add(two.a(), {});
    const Tensor before = two.logits();
    EXPECT_THROW(stack.add({.path = two.folder.path() / "absent"}, {}), Error);
    EXPECT_THROW(stack.add(two.b(), {.fingerprint = "another"}), Error);
    EXPECT_EQ(stack.size(), 1u);
    EXPECT_TRUE(same_bits(two.logits(), before));
  }
  EXPECT_TRUE(same_bits(two.logits(), base)) << "the stack takes its adapters with it";
}

TEST(AdapterStack, PathsWithScales) {
  TestFolder folder;
  EXPECT_EQ(parse_adapter_choice("a.gguf").scale, 1);
  EXPECT_EQ(parse_adapter_choice("a.gguf:0.5").path, "a.gguf");
  EXPECT_EQ(parse_adapter_choice("a.gguf:0.5").scale, 0.5);
  EXPECT_EQ(parse_adapter_choice("b/peft:-1").scale, -1);
  EXPECT_EQ(parse_adapter_choice("a:b:2").path, "a:b");
  const std::string odd = (folder.path() / "run:3").string();
  write_file(odd, "");
  EXPECT_EQ(parse_adapter_choice(odd).path, odd);
  EXPECT_EQ(parse_adapter_choice(odd + ":2").scale, 2);
  for (const char* bad : {"", "a:", "a:x", "a:0.5x", "a:nan", "a:inf"})
    EXPECT_THROW(parse_adapter_choice(bad), Error) << bad;
  for (const char* text : {"a.gguf", "a.gguf:0.25"}) EXPECT_EQ(to_text(parse_adapter_choice(text)), text);
}

}  // namespace
}  // namespace hone
