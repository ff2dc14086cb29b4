// y = x W^T and its backward: dx = dy W from the same stored bytes; dW = dy^T x only for a trainable W.
#include "base/error.h"
#include "ops/ops.h"

namespace hone {

Tensor matmul(OpContext& ctx, const Tensor& x, const MatrixView& w, Parameter* trainable) {
  HONE_CHECK(x.cols() == w.cols, "x has {} columns, W {}", x.cols(), w.cols);
  Tensor y = Tensor::empty({x.rows(), w.rows});
  const ComputeMode compute = ctx.compute;
  gemm_nt(x.rows(), x.data(), x.cols(), w, y.data(), w.rows, {.compute = compute});
  if (ctx.tape == nullptr || (!ctx.tape->requires_grad(x) && trainable == nullptr)) return y;
  ctx.tape->require(y);
  // x is kept only when dW needs it.
  ctx.tape->record([x, y, w, trainable, compute](Tape& tape) {
    const Tensor dy = tape.take_grad(y);
    if (!dy.defined()) return;
    if (tape.requires_grad(x)) {
      const bool first = !tape.has_grad(x);
      Tensor dx = first ? Tensor::empty(x.shape()) : tape.grad(x);
      gemm_nn(dy.rows(), dy.data(), dy.cols(), w, dx.data(), w.cols,
              {.compute = compute, .accumulate = !first});
      if (first) tape.add_grad(x, dx);
    }
    if (trainable != nullptr) {
      Tensor& dw = trainable->ensure_grad();
      gemm_tn(w.rows, dy.data(), dy.cols(), f32_view(x), dw.data(), w.cols,
              {.compute = compute, .accumulate = true});
    }
  });
  return y;
}

}  // namespace hone
