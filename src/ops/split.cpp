// Columns of one product taken apart, for layers that several matrices share.
#include <cstring>
#include <numeric>

#include "base/error.h"
#include "ops/ops.h"
#include "ops/parallel.h"

namespace hone {
namespace {

// Between a part (T, width) and the columns from `column` of the whole.
template <typename Copy>
void for_rows(size_t rows, size_t width, Copy&& copy) {
  parallel_rows(rows, width, [&](size_t begin, size_t end) {
    for (size_t t = begin; t < end; ++t) copy(t);
  });
}

// The gradients of the parts side by side; a part without one counts as zeros.
Tensor joined(Tape& tape, const std::vector<Tensor>& parts, const Tensor::Shape& shape) {
  std::vector<Tensor> grads;
  bool any = false;
  for (const Tensor& part : parts) any |= grads.emplace_back(tape.take_grad(part)).defined();
  if (!any) return {};
  Tensor dx = Tensor::empty(shape);
  size_t column = 0;
  for (size_t i = 0; i < parts.size(); column += parts[i++].cols()) {
    const size_t width = parts[i].cols(), bytes = width * sizeof(float);
    for_rows(dx.rows(), width, [&](size_t t) {
      if (grads[i].defined()) {
        std::memcpy(dx.row(t) + column, grads[i].row(t), bytes);
      } else {
        std::memset(dx.row(t) + column, 0, bytes);
      }
    });
  }
  return dx;
}

}  // namespace

std::vector<Tensor> split_columns(OpContext& ctx, const Tensor& x, std::initializer_list<size_t> widths) {
  HONE_CHECK(std::accumulate(widths.begin(), widths.end(), size_t{0}) == x.cols(), "columns={}", x.cols());
  std::vector<Tensor> parts;
  size_t column = 0;
  for (const size_t width : widths) {
    Tensor& part = parts.emplace_back(Tensor::empty({x.rows(), width}));
    for_rows(x.rows(), width,
             [&](size_t t) { std::memcpy(part.row(t), x.row(t) + column, width * sizeof(float)); });
    column += width;
  }
  if (ctx.tape == nullptr || !ctx.tape->requires_grad(x)) return parts;
  std::vector<Tensor> kept;
  for (const Tensor& part : parts) {
    ctx.tape->require(part);
    kept.push_back(part.without_values());
  }
  ctx.tape->record([x = x.without_values(), kept = std::move(kept)](Tape& tape) {
    Tensor dx = joined(tape, kept, x.shape());
    if (dx.defined()) tape.add_grad(x, std::move(dx));
  });
  return parts;
}

}  // namespace hone
