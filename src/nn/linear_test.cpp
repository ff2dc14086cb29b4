#include "nn/linear.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/rng.h"

namespace hone {
namespace {

Tensor random_tensor(Rng& rng, Tensor::Shape shape) {
  Tensor x = Tensor::empty(std::move(shape));
  for (size_t i = 0; i < x.size(); ++i) x.data()[i] = static_cast<float>(rng.normal());
  return x;
}

struct Weights {
  std::vector<std::byte> bytes;
  Linear linear;
};

Weights make(Rng& rng, FormatId id, size_t rows, size_t cols) {
  const Format& format = format_of(id);
  const Tensor w = random_tensor(rng, {rows, cols});
  std::vector<std::byte> bytes(format.bytes(w.size()));
  format.from_float(w.data(), bytes.data(), w.size());
  std::vector<float> bias(rows);
  for (float& b : bias) b = static_cast<float>(rng.normal());
  Linear linear("w", TensorRole::kFfnDown, format, rows, cols, bytes, std::move(bias));
  return {std::move(bytes), std::move(linear)};
}

// In place where nothing else holds the sum, and never in one that somebody does; on every road of products.
TEST(Linear, ForwardOntoASum) {
  Rng rng(1);
  for (const FormatId id : {FormatId::kF16, FormatId::kQ4_0, FormatId::kQ8_0})
    for (const size_t rows : {1u, 5u, 40u}) {
      const size_t n = 96, k = 320;
      const Weights w = make(rng, id, n, k);
      const Tensor x = random_tensor(rng, {rows, k}), base = random_tensor(rng, {rows, n});
      OpContext ctx;
      const Tensor expected = add(ctx, base, w.linear.forward(ctx, x));
      Tensor sum = base.clone();
      const float* place = sum.data();
      const Tensor alone = w.linear.forward_onto(ctx, std::move(sum), x);
      EXPECT_EQ(alone.data(), place);
      const Tensor before = base.clone();
      const Tensor held = w.linear.forward_onto(ctx, base, x);
      Tape tape;
      OpContext recorded{.tape = &tape};
      Tensor fresh = base.clone();
      tape.require(fresh);
      const Tensor taped = w.linear.forward_onto(recorded, std::move(fresh), x);
      EXPECT_TRUE(tape.requires_grad(taped));
      for (size_t i = 0; i < expected.size(); ++i) {
        ASSERT_NEAR(alone.data()[i], expected.data()[i], 2e-5f * (1 + std::fabs(expected.data()[i])));
        ASSERT_EQ(held.data()[i], expected.data()[i]);
        ASSERT_EQ(taped.data()[i], expected.data()[i]);
        ASSERT_EQ(base.data()[i], before.data()[i]);
      }
    }
}

}  // namespace
}  // namespace hone
