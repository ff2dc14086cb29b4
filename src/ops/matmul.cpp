// y = x W^T and its backward: dx = dy W from the same stored bytes; dW = dy^T x only for a trainable W.
#include "base/error.h"
#include "ops/ops.h"

namespace hone {
namespace {

void record_backward(Tape& tape, const Tensor& x, const Tensor& y, const MatmulWeight& weight,
                     ComputeMode compute) {
  if (!tape.requires_grad(x) && weight.trainable == nullptr) return;
  tape.require(y);
  // The values of x are kept only when dW needs them.
  tape.record([x = weight.trainable != nullptr ? x : x.without_values(), y = y.without_values(), weight,
               compute](Tape& t) {
    const Tensor dy = t.take_grad(y);
    if (!dy.defined()) return;
    const MatrixView& w = weight.w;
    if (t.requires_grad(x)) {
      const bool first = !t.has_grad(x);
      Tensor dx = first ? Tensor::empty(x.shape()) : t.grad(x);
      gemm_nn(dy.rows(), dy.data(), dy.cols(), w, dx.data(), w.cols,
              {.compute = compute, .accumulate = !first});
      if (first) t.add_grad(x, dx);
    }
    if (weight.trainable != nullptr) {
      Tensor& dw = weight.trainable->ensure_grad();
      gemm_tn(w.rows, dy.data(), dy.cols(), f32_view(x), dw.data(), w.cols,
              {.compute = compute, .accumulate = true});
    }
  });
}

}  // namespace

std::vector<Tensor> matmul(OpContext& ctx, const Tensor& x, std::span<const MatmulWeight> weights) {
  std::vector<Tensor> outputs;
  std::vector<GemmTarget> targets;
  for (const MatmulWeight& weight : weights) {
    HONE_CHECK(x.cols() == weight.w.cols, "x has {} columns, W {}", x.cols(), weight.w.cols);
    outputs.push_back(Tensor::empty({x.rows(), weight.w.rows}));
    targets.push_back({weight.w, outputs.back().data(), weight.w.rows});
  }
  gemm_nt(x.rows(), x.data(), x.cols(), targets, {.compute = ctx.compute});
  if (ctx.tape != nullptr)
    for (size_t i = 0; i < weights.size(); ++i)
      record_backward(*ctx.tape, x, outputs[i], weights[i], ctx.compute);
  return outputs;
}

Tensor matmul(OpContext& ctx, const Tensor& x, const MatrixView& w, Parameter* trainable) {
  const MatmulWeight weight{w, trainable};
  return std::move(matmul(ctx, x, std::span(&weight, 1))[0]);
}

}  // namespace hone
