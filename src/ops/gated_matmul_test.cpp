// Gate and up that go into their unit block by block, beside the same in three steps: outputs and every
// gradient, with and without low-rank changes, over every road of products.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "ops/ops.h"
#include "ops/testing.h"

namespace hone {
namespace {

using namespace testing;

struct Changed {
  Parameter a, b;
  LowRank low_rank;
  Changed(Rng& rng, size_t n, size_t k, size_t rank) {
    a.value = random_tensor(rng, {rank, k}, 0.1);
    b.value = random_tensor(rng, {n, rank}, 0.1);
    low_rank.scaling = 2.0f;
  }
};

// y, dx and the gradients of the low-rank changes.
struct Outcome {
  std::vector<Tensor> all;
};

std::vector<MatmulWeight> weights_of(const MatrixView& gate, const MatrixView& up) {
  std::vector<MatmulWeight> weights(2);
  weights[0].w = gate;
  weights[1].w = up;
  return weights;
}

Outcome run(bool joined, ComputeMode mode, Activation activation, const Tensor& x, const MatrixView& gate,
            const MatrixView& up, std::vector<Changed*> changes, const Tensor& dy) {
  Tape tape;
  OpContext ctx{.tape = &tape, .compute = mode};
  tape.require(x);
  std::vector<MatmulWeight> weights = weights_of(gate, up);
  for (size_t i = 0; i < changes.size(); ++i) weights[i].low_rank = changes[i]->low_rank;
  Tensor y;
  if (joined) {
    y = gated_matmul(ctx, activation, x, weights[0], weights[1]);
  } else {
    const std::vector<Tensor> wide = matmul(ctx, x, weights);
    y = gated(ctx, activation, wide[0], wide[1]);
  }
  for (Changed* c : changes) c->a.grad = c->b.grad = Tensor();
  tape.add_grad(y, dy.clone());
  tape.backward();
  Outcome outcome{{y, tape.take_grad(x)}};
  for (Changed* c : changes) outcome.all.insert(outcome.all.end(), {c->a.grad, c->b.grad});
  return outcome;
}

void expect_close(const Tensor& a, const Tensor& b, double tolerance) {
  ASSERT_TRUE(a.defined() && b.defined() && a.size() == b.size());
  double error = 0, size = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    error += std::pow(static_cast<double>(a.data()[i] - b.data()[i]), 2);
    size += std::pow(static_cast<double>(b.data()[i]), 2);
  }
  EXPECT_LE(std::sqrt(error), tolerance * std::sqrt(size));
}

TEST(GatedMatmul, IsTheUnitOfBothProducts) {
  Rng rng(41);
  for (const FormatId id : {FormatId::kF32, FormatId::kF16, FormatId::kQ4_0})
    for (const size_t rows : {1u, 7u, 40u, 530u})
      for (const ComputeMode mode : {ComputeMode::kPrecise, ComputeMode::kFast, ComputeMode::kInt8})
        for (const size_t rank : {0u, 8u}) {
          SCOPED_TRACE(std::string(format_of(id).name) + " rows=" + std::to_string(rows) +
                       " mode=" + std::to_string(static_cast<int>(mode)) + " rank=" + std::to_string(rank));
          const size_t n = 200, k = 96;
          const Stored gate = store(rng, id, n, k, 0.2), up = store(rng, id, n, k, 0.2);
          const Tensor x = random_tensor(rng, {rows, k}), dy = random_tensor(rng, {rows, n});
          std::vector<Changed> changed;
          for (size_t i = 0; i < 2 && rank > 0; ++i) changed.emplace_back(rng, n, k, rank);
          std::vector<Changed*> changes;
          for (Changed& c : changed) {
            c.low_rank.a = &c.a;
            c.low_rank.b = &c.b;
            changes.push_back(&c);
          }
          const Activation activation = rows == 7 ? Activation::kGelu : Activation::kSilu;
          const auto go = [&](bool joined) {
            return run(joined, mode, activation, x, gate.packed, up.packed, changes, dy);
          };
          const Outcome joined = go(true), apart = go(false);
          for (size_t i = 0; i < apart.all.size(); ++i) expect_close(joined.all[i], apart.all[i], 1e-5);
          OpContext plain{.compute = mode};
          std::vector<MatmulWeight> weights = weights_of(gate.packed, up.packed);
          for (size_t i = 0; i < changes.size(); ++i) weights[i].low_rank = changes[i]->low_rank;
          expect_close(gated_matmul(plain, activation, x, weights[0], weights[1]), joined.all[0], 1e-6);
        }
}

}  // namespace
}  // namespace hone
