// The decoder against PyTorch: logits, the gradient of every weight of the linear layers, a ten-step training
// curve; and against itself: cache, packing, checkpointing. Goldens: tests/golden/models/generate.py.
#include "models/model.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "base/error.h"
#include "io/safetensors.h"
#include "models/architecture.h"
#include "models/hf_source.h"

namespace hone {
namespace {

const std::filesystem::path kGolden = std::filesystem::path(HONE_TEST_DATA) / "golden" / "models";

class Golden : public testing::TestWithParam<const char*> {
 protected:
  Golden()
      : source_(kGolden / GetParam()),
        model_(source_),
        expected_(kGolden / (std::string(GetParam()) + ".expected.safetensors")) {}

  const float* floats(const std::string& name) const {
    return reinterpret_cast<const float*>(expected_.find(name)->data.data());
  }
  std::vector<int32_t> ids(const std::string& name) const {
    const SafeTensor& t = *expected_.find(name);
    const auto* values = reinterpret_cast<const int32_t*>(t.data.data());
    return {values, values + t.data.size() / sizeof(int32_t)};
  }
  // Two sequences of twenty tokens, packed one after the other: batch `step` of the goldens.
  TokenBatch batch(size_t step) const {
    const std::vector<int32_t> all = ids("tokens");
    TokenBatch b;
    for (size_t s = 0; s < 2; ++s) {
      b.sequences.push_back({s * kLength, kLength});
      for (size_t t = 0; t < kLength; ++t) {
        b.tokens.push_back(all[(step * 2 + s) * kLength + t]);
        b.positions.push_back(static_cast<int32_t>(t));
      }
    }
    return b;
  }
  // Hugging Face labels are aligned with the tokens; ours with the position that predicts them.
  std::vector<int32_t> targets(size_t step) const {
    const std::vector<int32_t> all = ids("targets");
    return {all.begin() + static_cast<ptrdiff_t>(step * 2 * kLength),
            all.begin() + static_cast<ptrdiff_t>((step + 1) * 2 * kLength)};
  }

  // Of a block.
  size_t n_linears() const {
    size_t n = 0;
    for (const TensorRow& row : architecture_named(model_.config().architecture).tensors)
      n += row.linear ? 1 : 0;
    return n;
  }

  static constexpr size_t kLength = 20;
  HfSource source_;
  Model model_;
  SafetensorsFile expected_;
};

TEST_P(Golden, LogitsEqualTransformers) {
  OpContext ctx{.compute = ComputeMode::kPrecise};
  const Tensor logits = model_.logits(ctx, model_.hidden(ctx, batch(0)));
  const float* expected = floats("logits");
  for (size_t i = 0; i < logits.size(); ++i) ASSERT_NEAR(logits.data()[i], expected[i], 1e-4) << "at " << i;
}

TEST_P(Golden, FastLogitsStayClose) {
  OpContext ctx{.compute = ComputeMode::kFast};
  const Tensor logits = model_.logits(ctx, model_.hidden(ctx, batch(0)));
  const float* expected = floats("logits");
  double error = 0, size = 0;
  for (size_t i = 0; i < logits.size(); ++i) {
    error += std::pow(static_cast<double>(logits.data()[i] - expected[i]), 2);
    size += std::pow(static_cast<double>(expected[i]), 2);
  }
  EXPECT_LT(std::sqrt(error / size), 0.02);
}

TEST_P(Golden, LossAndWeightGradientsEqualTorch) {
  std::map<std::string, Parameter*> weights;
  model_.for_each_linear([&](size_t, Linear& linear) { weights[linear.name()] = &linear.make_trainable(); });
  const std::vector<int32_t> labels = targets(0);
  size_t scored = 0;
  for (const int32_t t : labels) scored += t >= 0 ? 1 : 0;
  for (size_t recomputed = 0; recomputed <= model_.config().n_layers; ++recomputed) {
    model_.set_recomputed_blocks(recomputed);
    for (auto& [name, p] : weights) p->grad = {};
    Tape tape;
    OpContext ctx{.tape = &tape, .compute = ComputeMode::kPrecise};
    const auto result = model_.loss(ctx, batch(0), labels, 1.0f / static_cast<float>(scored));
    EXPECT_NEAR(result.sum_nll / static_cast<double>(scored), static_cast<double>(floats("loss")[0]), 1e-5);
    tape.backward();
    ASSERT_EQ(weights.size(), n_linears() * model_.config().n_layers);
    for (const auto& [name, p] : weights) {
      const float* expected = floats("grad." + name);
      float largest = 0;
      for (size_t i = 0; i < p->grad.size(); ++i) largest = std::max(largest, std::fabs(expected[i]));
      for (size_t i = 0; i < p->grad.size(); ++i)
        ASSERT_NEAR(p->grad.data()[i], expected[i], 1e-4f * largest + 1e-8f)
            << name << " at " << i << ", recomputed " << recomputed;
    }
  }
}

TEST_P(Golden, CacheGivesTheSameLogitsTokenByToken) {
  const TokenBatch both = batch(0);
  const std::span<const int32_t> first(both.tokens.data(), kLength);
  OpContext ctx{.compute = ComputeMode::kPrecise};
  const Tensor whole = model_.logits(ctx, model_.hidden(ctx, TokenBatch::single(first)));
  KvCache cache(model_.config(), kLength, KvFormat::kF32);
  for (const size_t piece : {size_t{7}, size_t{1}, size_t{12}}) {
    const size_t past = cache.length();
    const Tensor part =
        model_.logits(ctx, model_.hidden(ctx, TokenBatch::single(first.subspan(past, piece), &cache)));
    for (size_t i = 0; i < part.size(); ++i) ASSERT_NEAR(part.data()[i], whole.row(past)[i], 1e-4);
  }
  EXPECT_THROW(model_.hidden(ctx, TokenBatch::single(first.first(1), &cache)), Error);
}

TEST_P(Golden, WantedRowsEqualThoseOfAll) {
  const TokenBatch both = batch(0);
  const std::vector<size_t> rows = {1, 4, 5, kLength - 1};
  for (const ComputeMode compute : {ComputeMode::kPrecise, ComputeMode::kFast}) {
    OpContext ctx{.compute = compute};
    const Tensor all = model_.hidden(ctx, both), some = model_.hidden(ctx, both, Model::Rows(rows));
    ASSERT_EQ(some.rows(), rows.size());
    // A few rows may take a road of less rounding.
    const float tolerance = compute == ComputeMode::kPrecise ? 1e-5f : 0.05f;
    for (size_t i = 0; i < rows.size(); ++i)
      for (size_t c = 0; c < some.cols(); ++c)
        ASSERT_NEAR(some.row(i)[c], all.row(rows[i])[c], tolerance) << "row " << rows[i];
  }
  OpContext ctx{.compute = ComputeMode::kPrecise};
  const Tensor whole = model_.hidden(ctx, both);
  KvCache cache(model_.config(), kLength, KvFormat::kF32);
  const std::span<const int32_t> first(both.tokens.data(), kLength);
  EXPECT_EQ(
      model_.hidden(ctx, TokenBatch::single(first.first(9), &cache), Model::Rows(std::span<const size_t>()))
          .rows(),
      0u);
  const Tensor rest = model_.hidden(ctx, TokenBatch::single(first.subspan(9), &cache));
  for (size_t i = 0; i < rest.size(); ++i) ASSERT_NEAR(rest.data()[i], whole.row(9)[i], 1e-4);
}

// Prompts of different lengths together, then tokens together, then more of one and one of the other.
TEST_P(Golden, SequencesTogetherEqualSingleOnes) {
  const std::vector<int32_t> all = ids("tokens");
  const std::span<const int32_t> texts[] = {std::span(all).first(kLength),
                                            std::span(all).subspan(kLength, 13)};
  const std::vector<std::vector<size_t>> lengths = {{11, 6}, {1, 1}, {1, 1}, {7, 1}, {0, 4}};
  for (const KvFormat format : {KvFormat::kF32, KvFormat::kF16}) {
    // Sums of another order round some keys to the neighbouring half.
    const float tolerance = format == KvFormat::kF32 ? 5e-5f : 1e-3f;
    OpContext ctx{.compute = ComputeMode::kPrecise};
    std::vector<KvCache> together, alone;
    for (size_t i = 0; i < 2; ++i) {
      together.emplace_back(model_.config(), kLength, format);
      alone.emplace_back(model_.config(), kLength, format);
    }
    for (const std::vector<size_t>& step : lengths) {
      TokenBatch batch;
      std::vector<Tensor> expected;
      for (size_t i = 0; i < 2; ++i) {
        if (step[i] == 0) continue;
        const auto part = texts[i].subspan(alone[i].length(), step[i]);
        batch.add(part, &together[i]);
        expected.push_back(model_.logits(ctx, model_.hidden(ctx, TokenBatch::single(part, &alone[i]))));
      }
      const Tensor logits = model_.logits(ctx, model_.hidden(ctx, batch));
      size_t row = 0;
      for (const Tensor& one : expected) {
        for (size_t j = 0; j < one.size(); ++j)
          ASSERT_NEAR(logits.row(row)[j], one.data()[j], tolerance) << kv_format_name(format);
        row += one.rows();
      }
      ASSERT_EQ(row, logits.rows());
    }
    EXPECT_EQ(together[0].length(), kLength);
    together[0].truncate(5);
    EXPECT_EQ(together[0].length(), 5u);
  }
}

INSTANTIATE_TEST_SUITE_P(Tiny, Golden,
                         testing::Values("tiny-tied", "tiny-untied", "tiny-gemma3", "tiny-mistral",
                                         "tiny-qwen2", "tiny-qwen3", "tiny-phi3", "tiny-phi3-long"),
                         [](const auto& golden) {
                           std::string name = std::string(golden.param).substr(5);
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

// Texts behind the original context are turned with the long factors, whatever runs beside them.
TEST(LongRope, LogitsEqualTransformers) {
  HfSource source(kGolden / "tiny-phi3-long");
  const Model model(source);
  const SafetensorsFile golden(kGolden / "tiny-phi3-long.expected.safetensors");
  const auto* ids = reinterpret_cast<const int32_t*>(golden.find("long_tokens")->data.data());
  const auto* expected = reinterpret_cast<const float*>(golden.find("long_logits")->data.data());
  constexpr size_t kLong = 80, kShort = 20;
  constexpr size_t kRows[] = {0, 1, 63, 64, 79};
  const std::span<const int32_t> text(ids, kLong), brief(ids, kShort);
  OpContext ctx{.compute = ComputeMode::kPrecise};
  const auto expect_long = [&](const Tensor& logits, size_t first) {
    for (size_t i = 0; i < std::size(kRows); ++i)
      for (size_t v = 0; v < logits.cols(); ++v)
        ASSERT_NEAR(logits.row(first + kRows[i])[v], expected[i * logits.cols() + v], 1e-4) << kRows[i];
  };
  const Tensor alone = model.logits(ctx, model.hidden(ctx, TokenBatch::single(brief)));
  TokenBatch both;
  both.add(brief);
  both.add(text);
  const Tensor logits = model.logits(ctx, model.hidden(ctx, both));
  expect_long(logits, kShort);
  for (size_t i = 0; i < alone.size(); ++i) ASSERT_NEAR(logits.data()[i], alone.data()[i], 1e-5);

  KvCache cache(model.config(), kLong, KvFormat::kF32), little(model.config(), kShort, KvFormat::kF32);
  EXPECT_TRUE(cache.is_long());
  EXPECT_FALSE(little.is_long());
  TokenBatch begun;
  begun.add(text.first(40), &cache);
  begun.add(brief, &little);
  model.hidden(ctx, begun);
  const Tensor rest = model.logits(ctx, model.hidden(ctx, TokenBatch::single(text.subspan(40), &cache)));
  for (size_t i = 0; i < rest.size(); ++i)
    ASSERT_NEAR(rest.data()[i], logits.row(kShort + 40)[i], 1e-4) << "at " << i;
}

// A cache that forgets what no window reaches gives the results of one that keeps all: prompts longer than it
// holds, in steps, token by token, and after taking some tokens back.
TEST(KvCache, MayForgetWhatLiesBeforeTheWindow) {
  for (const char* name : {"tiny-gemma3", "tiny-mistral", "tiny-phi3"}) {
    HfSource source(kGolden / name);
    const Model model(source);
    std::vector<int32_t> text(2600);
    for (size_t t = 0; t < text.size(); ++t) text[t] = static_cast<int32_t>((t * 37 + t / 11) % 200 + 20);
    for (const KvFormat format : {KvFormat::kF32, KvFormat::kF16}) {
      OpContext ctx{.compute = ComputeMode::kPrecise};
      KvCache all(model.config(), text.size(), format);
      KvCache seen(model.config(), text.size(), format, text.size(), KvKept::kSeen);
      EXPECT_LT(KvCache::bytes(model.config(), text.size(), format, KvKept::kSeen),
                KvCache::bytes(model.config(), text.size(), format));
      const auto step = [&](size_t n) {
        const auto part = std::span(text).subspan(all.length(), n);
        const Tensor expected = model.hidden(ctx, TokenBatch::single(part, &all));
        const Tensor got = model.hidden(ctx, TokenBatch::single(part, &seen));
        for (size_t i = 0; i < got.size(); ++i)
          ASSERT_NEAR(got.data()[i], expected.data()[i], 1e-5) << name << " at " << all.length();
      };
      for (const size_t n : {900u, 1u, 1u, 20u, 700u, 512u, 1u}) step(n);
      for (KvCache* cache : {&all, &seen}) cache->truncate(cache->length() - 60);
      for (const size_t n : {1u, 63u, 1u, 5u}) step(n);
      EXPECT_EQ(all.truncatable(700), 700u);
      EXPECT_EQ(seen.truncatable(700), 0u);
      // As a copy of the beginning of either.
      KvCache copy(model.config(), text.size(), format, text.size(), KvKept::kSeen);
      copy.copy_from(all, 1500);
      KvCache whole(model.config(), text.size(), format);
      whole.copy_from(all, 1500);
      const auto part = std::span(text).subspan(1500, 9);
      const Tensor expected = model.hidden(ctx, TokenBatch::single(part, &whole));
      const Tensor got = model.hidden(ctx, TokenBatch::single(part, &copy));
      for (size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(got.data()[i], expected.data()[i], 1e-5) << name;
      seen.truncate(0);
      all.truncate(0);
      step(30);
      step(1);
    }
  }
}

TEST(ActivationBytes, FallWithEveryRecomputedBlockButTheLast) {
  HfSource source(kGolden / "tiny-tied");
  const Model model(source);
  const size_t layers = model.config().n_layers;
  for (size_t n = 1; n < layers; ++n)
    EXPECT_LT(model.activation_bytes_per_token(n), model.activation_bytes_per_token(n - 1)) << n;
  EXPECT_EQ(model.activation_bytes_per_token(layers + 5), model.activation_bytes_per_token(layers));
}

}  // namespace
}  // namespace hone
