// Weights read when they are used: the same numbers, however and by whichever thread they come.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "io/gguf.h"
#include "models/hf_source.h"
#include "models/import_test_support.h"
#include "models/model.h"

namespace hone {
namespace {

std::vector<float> logits_of(const Model& model) {
  const std::vector<int32_t> tokens = {1, 5, 9, 13, 20, 31, 7};
  OpContext ctx;
  const Tensor logits = model.logits(ctx, model.hidden(ctx, TokenBatch::single(tokens)));
  return {logits.data(), logits.data() + logits.size()};
}

// A golden model as a GGUF file; its matrices in q8_0 where a row fits.
void write_model(const std::filesystem::path& path) {
  HfSource source(golden("tiny-untied"));
  const Format &q8_0 = format_of(FormatId::kQ8_0), &f32 = format_of(FormatId::kF32);
  std::vector<TensorInfo> infos;
  for (TensorInfo info : source.tensors()) {
    const bool matrix = info.shape.size() == 2 && info.shape[0] % q8_0.block_elems == 0;
    info.format = matrix ? &q8_0 : &f32;
    infos.push_back(std::move(info));
  }
  ASSERT_TRUE(std::ranges::any_of(infos, [&](const TensorInfo& info) { return info.format == &q8_0; }));
  GgufWriter writer(path, source.metadata(), infos);
  for (size_t i = 0; i < infos.size(); ++i) {
    const TensorInfo& from = source.tensors()[i];
    std::vector<float> values(from.n_elements());
    from.format->to_float(source.data(i).data(), values.data(), values.size());
    std::vector<std::byte> bytes(infos[i].n_bytes());
    infos[i].format->from_float(values.data(), bytes.data(), values.size());
    writer.write_tensor(bytes);
  }
  writer.commit();
}

class Loaded : public testing::Test {
 protected:
  const TestFolder folder_;
  GgufFile file_ = (write_model(folder_ / "m.gguf"), GgufFile(folder_ / "m.gguf"));
  const std::vector<float> expected_ = logits_of(Model(file_));
};

TEST_F(Loaded, WhenUsed) {
  const Model model(file_, LoadWeights::kWhenUsed);
  EXPECT_EQ(logits_of(model), expected_);
  EXPECT_EQ(logits_of(model), expected_);
}

TEST_F(Loaded, Meanwhile) {
  for (int i = 0; i < 20; ++i) {
    Model model(file_, LoadWeights::kWhenUsed);
    model.load_meanwhile();
    EXPECT_EQ(logits_of(model), expected_) << i;
  }
}

TEST_F(Loaded, AModelMayGoBeforeItsWeightsCame) {
  for (int i = 0; i < 20; ++i) {
    Model model(file_, LoadWeights::kWhenUsed);
    model.load_meanwhile();
  }
}

TEST_F(Loaded, TrainableWeightsAreReadFirst) {
  Model now(file_), later(file_, LoadWeights::kWhenUsed);
  later.load_meanwhile();
  for (Model* model : {&now, &later})
    model->for_each_linear([](size_t, Linear& linear) { linear.make_trainable(); });
  EXPECT_EQ(logits_of(later), logits_of(now));
}

TEST(LinearReading, AFailedReadIsTriedAgain) {
  const std::vector<float> stored = {1, 2, 3, 4, 5, 6};
  int reads = 0;
  const auto read = [&](const auto& use) {
    if (++reads == 1) fail(ErrorCode::kIo, "the disk: got nothing, expected a weight");
    use(std::as_bytes(std::span(stored)));
  };
  const Linear linear("w", TensorRole::kOther, format_of(FormatId::kF32), 2, 3, read);
  EXPECT_EQ(linear.out_features(), 2u);
  EXPECT_EQ(linear.in_features(), 3u);
  EXPECT_EQ(reads, 0);
  EXPECT_THROW(linear.weight(), Error);
  float row[3];
  linear.dequantize_rows(1, 1, row);
  EXPECT_EQ(row[2], 6.0f);
  linear.reading()();
  EXPECT_EQ(reads, 2);
}

}  // namespace
}  // namespace hone
