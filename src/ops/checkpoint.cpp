#include "ops/ops.h"

namespace hone {

Tensor checkpoint(OpContext& ctx, const Tensor& x, std::function<Tensor(OpContext&, const Tensor&)> body) {
  OpContext plain = ctx;
  plain.tape = nullptr;
  plain.repeated = ctx.repeated || ctx.tape != nullptr;
  Tensor y = body(plain, x);
  if (ctx.tape == nullptr) return y;
  ctx.tape->require(y);
  const OpContext recorded = plain;
  ctx.tape->record([x, y = y.without_values(), body = std::move(body), recorded](Tape& tape) {
    Tensor dy = tape.take_grad(y);
    if (!dy.defined()) return;
    Tape inner;
    OpContext again = recorded;
    again.observer = nullptr;
    again.tape = &inner;
    const bool wanted = tape.requires_grad(x);
    if (wanted) inner.require(x);
    const Tensor recomputed = body(again, x);
    inner.add_grad(recomputed, std::move(dy));
    inner.backward();
    if (wanted)
      if (Tensor dx = inner.take_grad(x); dx.defined()) tape.add_grad(x, std::move(dx));
  });
  return y;
}

}  // namespace hone
