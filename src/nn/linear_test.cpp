#include "nn/linear.h"

#include <gtest/gtest.h>

#include <cmath>

#include "ops/testing.h"

namespace hone {
namespace {

using namespace testing;

Linear make(Rng& rng, const Stored& w) {
  std::vector<float> bias(w.view.rows);
  for (float& b : bias) b = static_cast<float>(rng.normal());
  return {"w", TensorRole::kFfnDown, *w.view.format, w.view.rows, w.view.cols, w.bytes, std::move(bias)};
}

// In place where nothing else holds the sum, and never in one that somebody does; on every road of products.
TEST(Linear, ForwardOntoASum) {
  Rng rng(1);
  for (const FormatId id : {FormatId::kF16, FormatId::kQ4_0, FormatId::kQ8_0})
    for (const size_t rows : {1u, 5u, 40u}) {
      const size_t n = 96, k = 320;
      const Stored stored = store(rng, id, n, k);
      const Linear linear = make(rng, stored);
      const Tensor x = random_tensor(rng, {rows, k}), base = random_tensor(rng, {rows, n});
      OpContext ctx;
      const Tensor expected = add(ctx, base, linear.forward(ctx, x));
      Tensor sum = base.clone();
      const float* place = sum.data();
      const Tensor alone = linear.forward_onto(ctx, std::move(sum), x);
      EXPECT_EQ(alone.data(), place);
      const Tensor before = base.clone();
      const Tensor held = linear.forward_onto(ctx, base, x);
      Tape tape;
      OpContext recorded{.tape = &tape};
      Tensor fresh = base.clone();
      tape.require(fresh);
      const Tensor taped = linear.forward_onto(recorded, std::move(fresh), x);
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
