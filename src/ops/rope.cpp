// Rotary embedding: each pair is turned by position * frequency; backward turns back.
#include <cmath>
#include <memory>

#include "base/error.h"
#include "ops/ops.h"
#include "ops/parallel.h"

namespace hone {
namespace {

struct Angles {
  std::vector<float> cos, sin;  // (T, D/2)
  size_t half = 0;
};

void rotate(const Tensor& in, Tensor& out, const Angles& angles, size_t head_dim, bool interleaved, float direction) {
  const size_t half = angles.half, n = in.cols(), step = interleaved ? 1 : half, stride = interleaved ? 2 : 1;
  parallel_rows(in.rows(), n, [&](size_t begin, size_t end) {
    for (size_t t = begin; t < end; ++t) {
      const float* cos = angles.cos.data() + t * half;
      const float* sin = angles.sin.data() + t * half;
      for (size_t head = 0; head < n; head += head_dim) {
        const float* x = in.row(t) + head;
        float* y = out.row(t) + head;
        for (size_t i = 0; i < half; ++i) {
          const float a = x[i * stride], b = x[i * stride + step], s = direction * sin[i];
          y[i * stride] = a * cos[i] - b * s;
          y[i * stride + step] = a * s + b * cos[i];
        }
        for (size_t i = 2 * half; i < head_dim; ++i) y[i] = x[i];
      }
    }
  });
}

}  // namespace

Tensor rope(OpContext& ctx, const Tensor& x, size_t head_dim, std::span<const int32_t> positions,
            std::span<const float> frequencies, bool interleaved) {
  HONE_CHECK(positions.size() == x.rows() && x.cols() % head_dim == 0 && 2 * frequencies.size() <= head_dim);
  auto angles = std::make_shared<Angles>();
  angles->half = frequencies.size();
  angles->cos.resize(x.rows() * angles->half);
  angles->sin.resize(x.rows() * angles->half);
  for (size_t t = 0; t < x.rows(); ++t) {
    for (size_t i = 0; i < angles->half; ++i) {
      const double angle = static_cast<double>(positions[t]) * static_cast<double>(frequencies[i]);
      angles->cos[t * angles->half + i] = static_cast<float>(std::cos(angle));
      angles->sin[t * angles->half + i] = static_cast<float>(std::sin(angle));
    }
  }
  Tensor y = Tensor::empty(x.shape());
  rotate(x, y, *angles, head_dim, interleaved, 1.0f);
  if (ctx.tape == nullptr || !ctx.tape->requires_grad(x)) return y;
  ctx.tape->require(y);
  ctx.tape->record([x, y, angles, head_dim, interleaved](Tape& tape) {
    Tensor dy = tape.take_grad(y);
    if (!dy.defined()) return;
    rotate(dy, dy, *angles, head_dim, interleaved, -1.0f);
    tape.add_grad(x, dy);
  });
  return y;
}

}  // namespace hone
