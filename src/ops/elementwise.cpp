// Gated units and addition.
#include "base/error.h"
#include "kernels/kernels.h"
#include "ops/halves.h"
#include "ops/ops.h"
#include "ops/parallel.h"
#include "ops/scratch.h"

namespace hone {
namespace {

GatedUnit forward_of(Activation activation) {
  return activation == Activation::kGelu ? active_kernels().geglu : active_kernels().swiglu;
}
GatedUnitBackward backward_of(Activation activation) {
  return activation == Activation::kGelu ? active_kernels().geglu_backward : active_kernels().swiglu_backward;
}

}  // namespace

Tensor gated(OpContext& ctx, Activation activation, const Tensor& gate, const Tensor& up) {
  HONE_CHECK(gate.size() == up.size());
  Tensor y = Tensor::empty(gate.shape());
  const size_t n = gate.cols();
  parallel_rows(gate.rows(), n, [&](size_t begin, size_t end) {
    forward_of(activation)((end - begin) * n, gate.row(begin), up.row(begin), y.row(begin));
  });
  if (ctx.tape == nullptr || (!ctx.tape->requires_grad(gate) && !ctx.tape->requires_grad(up))) return y;
  ctx.tape->require(y);
  ctx.tape->record([activation, gate = KeptRows(gate, ctx.compute), up = KeptRows(up, ctx.compute),
                    y = y.without_values()](Tape& tape) {
    const Tensor dy = tape.take_grad(y);
    if (!dy.defined()) return;
    Tensor dgate = Tensor::empty(y.shape()), dup = Tensor::empty(y.shape());
    const size_t width = y.cols();
    parallel_rows(y.rows(), width, [&](size_t begin, size_t end) {
      float* room = scratch<float>(2 * width, ScratchSlot::kConverted);
      for (size_t t = begin; t < end; ++t)
        backward_of(activation)(width, gate.rows(t, 1, room), up.rows(t, 1, room + width), dy.row(t),
                                dgate.row(t), dup.row(t));
    });
    if (tape.requires_grad(gate.tensor())) tape.add_grad(gate.tensor(), dgate);
    if (tape.requires_grad(up.tensor())) tape.add_grad(up.tensor(), dup);
  });
  return y;
}

Tensor add(OpContext& ctx, const Tensor& a, const Tensor& b) {
  HONE_CHECK(a.size() == b.size());
  Tensor y = Tensor::empty(a.shape());
  parallel_rows(a.rows(), a.cols(), [&](size_t begin, size_t end) {
    const float* pa = a.row(begin);
    const float* pb = b.row(begin);
    float* py = y.row(begin);
    for (size_t i = 0, n = (end - begin) * a.cols(); i < n; ++i) py[i] = pa[i] + pb[i];
  });
  if (ctx.tape == nullptr || (!ctx.tape->requires_grad(a) && !ctx.tape->requires_grad(b))) return y;
  ctx.tape->require(y);
  ctx.tape->record([a = a.without_values(), b = b.without_values(), y = y.without_values()](Tape& tape) {
    Tensor dy = tape.take_grad(y);
    if (!dy.defined()) return;
    const bool both = tape.requires_grad(a) && tape.requires_grad(b);
    if (tape.requires_grad(a)) tape.add_grad(a, both ? dy.clone() : dy);
    if (tape.requires_grad(b)) tape.add_grad(b, dy);
  });
  return y;
}

}  // namespace hone
