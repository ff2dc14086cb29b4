// Some rows of a tensor, and the way back.
#include <cstring>

#include "base/error.h"
#include "ops/ops.h"
#include "ops/parallel.h"

namespace hone {

Tensor take_rows(OpContext& ctx, const Tensor& x, std::span<const size_t> rows) {
  const size_t width = x.cols();
  Tensor y = Tensor::empty({rows.size(), width});
  for (size_t i = 0; i < rows.size(); ++i) {
    HONE_CHECK(rows[i] < x.rows() && (i == 0 || rows[i - 1] < rows[i]), "row {} of {}", rows[i], x.rows());
    std::memcpy(y.row(i), x.row(rows[i]), width * sizeof(float));
  }
  if (ctx.tape == nullptr || !ctx.tape->requires_grad(x)) return y;
  ctx.tape->require(y);
  ctx.tape->record([x = x.without_values(), y = y.without_values(),
                    kept = std::vector<size_t>(rows.begin(), rows.end())](Tape& tape) {
    const Tensor dy = tape.take_grad(y);
    if (!dy.defined()) return;
    Tensor& dx = tape.grad(x);
    parallel_rows(kept.size(), dy.cols(), [&](size_t begin, size_t end) {
      for (size_t i = begin; i < end; ++i) {
        float* to = dx.row(kept[i]);
        for (size_t c = 0; c < dy.cols(); ++c) to[c] += dy.row(i)[c];
      }
    });
  });
  return y;
}

}  // namespace hone
