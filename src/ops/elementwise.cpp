// Gated units and addition.
#include "base/error.h"
#include "kernels/kernels.h"
#include "ops/gated.h"
#include "ops/ops.h"
#include "ops/parallel.h"
#include "ops/scratch.h"

namespace hone {
namespace {

GatedUnitBackward backward_of(Activation activation) {
  return activation == Activation::kGelu ? active_kernels().geglu_backward : active_kernels().swiglu_backward;
}

}  // namespace

GatedUnit gated_unit(Activation activation) {
  return activation == Activation::kGelu ? active_kernels().geglu : active_kernels().swiglu;
}

void record_gated(Tape& tape, Activation activation, KeptRows gate, KeptRows up, const Tensor& y) {
  tape.require(y);
  tape.record([activation, gate = std::move(gate), up = std::move(up), y = y.without_values()](Tape& t) {
    const Tensor dy = t.take_grad(y);
    if (!dy.defined()) return;
    Tensor dgate = Tensor::empty(y.shape()), dup = Tensor::empty(y.shape());
    const size_t width = y.cols();
    parallel_rows(y.rows(), width, [&](size_t begin, size_t end) {
      float* room = scratch<float>(2 * width, ScratchSlot::kConverted);
      for (size_t r = begin; r < end; ++r)
        backward_of(activation)(width, gate.rows(r, 1, room), up.rows(r, 1, room + width), dy.row(r),
                                dgate.row(r), dup.row(r));
    });
    if (t.requires_grad(gate.tensor())) t.add_grad(gate.tensor(), dgate);
    if (t.requires_grad(up.tensor())) t.add_grad(up.tensor(), dup);
  });
}

Tensor gated(OpContext& ctx, Activation activation, const Tensor& gate, const Tensor& up) {
  HONE_CHECK(gate.size() == up.size());
  Tensor y = Tensor::empty(gate.shape());
  const size_t n = gate.cols();
  parallel_rows(gate.rows(), n, [&](size_t begin, size_t end) {
    gated_unit(activation)((end - begin) * n, gate.row(begin), up.row(begin), y.row(begin));
  });
  if (ctx.tape == nullptr || (!ctx.tape->requires_grad(gate) && !ctx.tape->requires_grad(up))) return y;
  record_gated(*ctx.tape, activation, KeptRows(gate, ctx.compute), KeptRows(up, ctx.compute), y);
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
