// LoRA against finite differences and against its own definition, over float and quantized weights.
#include "tune/adapters/lora.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "base/error.h"
#include "tune/testing.h"

namespace hone {
namespace {

constexpr size_t kIn = 64, kOut = 40, kTokens = 5, kRank = 3;

Tensor random_tensor(Tensor::Shape shape, uint64_t seed, double scale = 1.0) {
  Rng rng(seed);
  Tensor t = Tensor::empty(std::move(shape));
  for (size_t i = 0; i < t.size(); ++i) t.data()[i] = static_cast<float>(rng.normal() * scale);
  return t;
}

Linear make_linear(const std::string& format_name) {
  const Format& format = format_named(format_name);
  const Tensor w = random_tensor({kOut, kIn}, 3, 0.2);
  std::vector<std::byte> bytes(kOut * format.bytes(kIn));
  format.from_float(w.data(), bytes.data(), w.size());
  return Linear("blk.0.attn_q.weight", TensorRole::kAttnQ, format, kOut, kIn, bytes);
}

struct Fixture {
  explicit Fixture(const std::string& format, double dropout = 0)
      : linear(make_linear(format)), phase(std::make_shared<AdapterPhase>()) {
    settings.rank = kRank;
    settings.alpha = 6;
    settings.dropout = dropout;
    phase->training = true;
    adapter = std::make_shared<LoraAdapter>(linear, settings, phase);
    linear.set_adapter(adapter);
    testing::randomize(adapter->parameters(), 0.3, 8);
  }
  // sum(y * weights), and its gradients when asked.
  double loss(const Tensor& x, const Tensor& weights, Tape* tape = nullptr) {
    OpContext ctx{.tape = tape, .compute = ComputeMode::kPrecise};
    if (tape != nullptr) tape->require(x);
    const Tensor y = linear.forward(ctx, x);
    double sum = 0;
    for (size_t i = 0; i < y.size(); ++i) sum += static_cast<double>(y.data()[i]) * weights.data()[i];
    if (tape != nullptr) {
      tape->add_grad(y, weights.clone());
      tape->backward();
    }
    return sum;
  }
  AdapterSettings settings;
  Linear linear;
  std::shared_ptr<AdapterPhase> phase;
  std::shared_ptr<LoraAdapter> adapter;
};

// The loss is linear in each single value, so a central difference is exact up to rounding, whatever its
// width.
void check_gradient(Fixture& f, const Tensor& x, const Tensor& weights, const Tensor& value,
                    const Tensor& grad, const char* what) {
  for (size_t i = 0; i < value.size(); i += 7) {
    const float kept = value.data()[i];
    const float h = 0.5f;
    value.data()[i] = kept + h;
    const double up = f.loss(x, weights);
    value.data()[i] = kept - h;
    const double down = f.loss(x, weights);
    value.data()[i] = kept;
    const double expected = (up - down) / (2.0 * h);
    EXPECT_NEAR(grad.data()[i], expected, 2e-4 * std::max(1.0, std::fabs(expected)))
        << what << " element " << i;
  }
}

class LoraGradient : public ::testing::TestWithParam<std::tuple<std::string, double>> {};

TEST_P(LoraGradient, MatchesFiniteDifferences) {
  const auto& [format, dropout] = GetParam();
  Fixture f(format, dropout);
  const Tensor x = random_tensor({kTokens, kIn}, 4), weights = random_tensor({kTokens, kOut}, 5);
  Tape tape;
  f.loss(x, weights, &tape);
  const Tensor dx = tape.take_grad(x);
  ASSERT_TRUE(dx.defined());
  const std::vector<Parameter*> parameters = f.adapter->parameters();
  check_gradient(f, x, weights, x, dx, "dx");
  check_gradient(f, x, weights, parameters[0]->value, parameters[0]->grad, "dA");
  check_gradient(f, x, weights, parameters[1]->value, parameters[1]->grad, "dB");
}

INSTANTIATE_TEST_SUITE_P(Bases, LoraGradient,
                         ::testing::Combine(::testing::Values("f32", "q4_0", "q8_0", "f16"),
                                            ::testing::Values(0.0, 0.4)));

TEST(Lora, GradientsAccumulateOverMicroBatches) {
  Fixture f("f32");
  const Tensor x = random_tensor({kTokens, kIn}, 4), weights = random_tensor({kTokens, kOut}, 5);
  Parameter& b = *f.adapter->parameters()[1];
  Tape first, second;
  f.loss(x, weights, &first);
  const Tensor once = b.grad.clone();
  f.loss(x, weights, &second);
  for (size_t i = 0; i < once.size(); ++i) EXPECT_FLOAT_EQ(b.grad.data()[i], 2 * once.data()[i]);
}

TEST(Lora, ParametersLearnWhenTheInputNeedsNoGradient) {
  Fixture f("q4_0");
  const Tensor x = random_tensor({kTokens, kIn}, 4);
  Tape tape;
  OpContext ctx{.tape = &tape, .compute = ComputeMode::kPrecise};
  const Tensor y = f.linear.forward(ctx, x);
  EXPECT_TRUE(tape.requires_grad(y));
  tape.add_grad(y, random_tensor({kTokens, kOut}, 5));
  tape.backward();
  EXPECT_TRUE(f.adapter->parameters()[0]->grad.defined());
  EXPECT_FALSE(tape.has_grad(x));
}

TEST(Lora, ZeroBLeavesTheBitsOfY) {
  for (const ComputeMode mode : {ComputeMode::kPrecise, ComputeMode::kFast}) {
    Linear plain = make_linear("q4_0");
    Linear adapted = make_linear("q4_0");
    AdapterSettings settings;
    auto adapter = std::make_shared<LoraAdapter>(adapted, settings, nullptr);
    Rng rng(1);
    adapter->init(rng);
    adapted.set_adapter(adapter);
    Tensor x = random_tensor({kTokens, kIn}, 4);
    std::fill_n(x.row(1), kIn, -0.0f);  // gives zeros of either sign
    OpContext ctx{.compute = mode};
    const Tensor y = plain.forward(ctx, x), z = adapted.forward(ctx, x);
    EXPECT_EQ(std::memcmp(y.data(), z.data(), y.size() * sizeof(float)), 0);
  }
}

TEST(Lora, StartsAsPeftDoes) {
  Linear linear = make_linear("f32");
  AdapterSettings settings;
  Rng rng(1);
  const auto adapter = kLoraKind.create(linear, settings, nullptr, rng);
  const Tensor& a = adapter->parameters()[0]->value;
  double squares = 0;
  float most = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    squares += static_cast<double>(a.data()[i]) * a.data()[i];
    most = std::max(most, std::fabs(a.data()[i]));
  }
  const double bound = 1.0 / std::sqrt(static_cast<double>(kIn));
  EXPECT_LE(most, bound);
  EXPECT_NEAR(squares / static_cast<double>(a.size()), bound * bound / 3, 0.1 * bound * bound);
}

TEST(Lora, MergedRowsGiveTheAdaptedOutput) {
  Fixture f("q8_0");
  std::vector<float> w(kOut * kIn);
  f.linear.dequantize_rows(0, kOut, w.data());
  f.adapter->merge_rows(f.linear, 0, 10, w.data());
  f.adapter->merge_rows(f.linear, 10, kOut - 10, w.data() + 10 * kIn);
  const Tensor x = random_tensor({kTokens, kIn}, 4);
  OpContext ctx{.compute = ComputeMode::kPrecise};
  const Tensor y = f.linear.forward(ctx, x);
  const Tensor merged = matmul(ctx, x, f32_view(w.data(), kOut, kIn));
  for (size_t i = 0; i < y.size(); ++i) EXPECT_NEAR(y.data()[i], merged.data()[i], 2e-5);
}

TEST(Lora, DropoutIsAFunctionOfTheMicroBatch) {
  Fixture f("f32", 0.5);
  const Tensor x = random_tensor({kTokens, kIn}, 4), weights = random_tensor({kTokens, kOut}, 5);
  f.phase->micro_batch = 7;
  const double first = f.loss(x, weights);
  EXPECT_EQ(f.loss(x, weights), first);
  f.phase->micro_batch = 8;
  EXPECT_NE(f.loss(x, weights), first);
  f.phase->training = false;
  Fixture without("f32", 0.0);
  EXPECT_EQ(f.loss(x, weights), without.loss(x, weights));
}

TEST(Lora, RsloraScalesByTheRoot) {
  AdapterSettings settings{.rank = 16, .alpha = 8};
  EXPECT_DOUBLE_EQ(adapter_scaling(settings), 0.5);
  settings.rslora = true;
  EXPECT_DOUBLE_EQ(adapter_scaling(settings), 2.0);
}

TEST(Lora, BadSettingsAreRefused) {
  EXPECT_THROW(kLoraKind.validate({.rank = 0}), Error);
  EXPECT_THROW(kLoraKind.validate({.rank = 5000}), Error);
  EXPECT_THROW(kLoraKind.validate({.alpha = -1}), Error);
  EXPECT_THROW(kLoraKind.validate({.dropout = 1.0}), Error);
}

}  // namespace
}  // namespace hone
