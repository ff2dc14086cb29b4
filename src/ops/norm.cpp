// RMSNorm. With i = 1 / sqrt(mean(x^2) + eps): y = i x w, dx = i (w dy) - i^3 x mean(w dy x), dw = sum_t i x
// dy.
#include <cmath>

#include "base/error.h"
#include "kernels/kernels.h"
#include "ops/ops.h"
#include "ops/parallel.h"

namespace hone {
namespace {

void backward_row(const Kernels& ks, size_t n, const float* x, const float* w, const float* dy, float inverse,
                  float* dx) {
  ks.scale_mul(n, inverse, dy, w, dx);
  const float projection = ks.dot(n, dx, x) / static_cast<float>(n) * inverse * inverse;
  ks.axpy(n, -projection, x, dx);
}

}  // namespace

Tensor rms_norm(OpContext& ctx, const Tensor& x, const Tensor& w, float eps, Parameter* trainable) {
  const Kernels& ks = active_kernels();
  const size_t n = w.size(), rows = x.size() / n;
  HONE_CHECK(x.cols() % n == 0, "columns={} weights={}", x.cols(), n);
  Tensor y = Tensor::empty(x.shape());
  Tensor inverse = Tensor::empty({rows});
  parallel_rows(rows, n, [&](size_t begin, size_t end) {
    for (size_t t = begin; t < end; ++t) {
      const float* in = x.data() + t * n;
      const float mean = ks.dot(n, in, in) / static_cast<float>(n);
      inverse.data()[t] = 1.0f / std::sqrt(mean + eps);
      ks.scale_mul(n, inverse.data()[t], in, w.data(), y.data() + t * n);
    }
  });
  if (ctx.tape == nullptr || (!ctx.tape->requires_grad(x) && trainable == nullptr)) return y;
  ctx.tape->require(y);
  ctx.tape->record([x, w, y = y.without_values(), inverse, trainable](Tape& tape) {
    const Tensor dy = tape.take_grad(y);
    if (!dy.defined()) return;
    const Kernels& kernels = active_kernels();
    const size_t width = w.size(), n_rows = inverse.size();
    if (tape.requires_grad(x)) {
      Tensor dx = Tensor::empty(x.shape());
      parallel_rows(n_rows, width, [&](size_t begin, size_t end) {
        for (size_t t = begin; t < end; ++t)
          backward_row(kernels, width, x.data() + t * width, w.data(), dy.data() + t * width,
                       inverse.data()[t], dx.data() + t * width);
      });
      tape.add_grad(x, dx);
    }
    if (trainable != nullptr) {
      float* dw = trainable->ensure_grad().data();
      for (size_t t = 0; t < n_rows; ++t)
        for (size_t i = 0; i < width; ++i)
          dw[i] += inverse.data()[t] * x.data()[t * width + i] * dy.data()[t * width + i];
    }
  });
  return y;
}

}  // namespace hone
