// Rotary embedding: each pair is turned by position * frequency; backward turns back.
#include <algorithm>
#include <cmath>
#include <memory>

#include "base/error.h"
#include "base/per_thread.h"
#include "kernels/kernels.h"
#include "ops/ops.h"
#include "ops/parallel.h"

namespace hone {
namespace {

struct Angles {
  std::vector<int32_t> positions;
  std::vector<float> frequencies, long_frequencies;
  std::vector<uint8_t> is_long;
  float magnitude = 1;
  std::vector<float> cos, sin;  // (T, D/2)
  // (T, D): each twice, for turning neighbours; the sine negative first, and the other way round for turning
  // back.
  std::vector<float> pair_cos, pair_sin, pair_back;
  size_t half = 0;
};

std::shared_ptr<const Angles> compute_angles(std::span<const int32_t> positions, const RopeTurns& turns) {
  auto angles = std::make_shared<Angles>();
  const float magnitude = angles->magnitude = turns.magnitude;
  angles->positions.assign(positions.begin(), positions.end());
  angles->frequencies.assign(turns.frequencies.begin(), turns.frequencies.end());
  if (!turns.is_long.empty()) {
    angles->long_frequencies.assign(turns.long_frequencies.begin(), turns.long_frequencies.end());
    angles->is_long.assign(turns.is_long.begin(), turns.is_long.end());
  }
  const size_t half = angles->half = turns.frequencies.size();
  for (std::vector<float>* table : {&angles->cos, &angles->sin}) table->resize(positions.size() * half);
  for (std::vector<float>* table : {&angles->pair_cos, &angles->pair_sin, &angles->pair_back})
    table->resize(positions.size() * 2 * half);
  parallel_rows(
      positions.size(), half,
      [&](size_t begin, size_t end) {
        for (size_t i = begin * half; i < end * half; ++i) {
          const bool is_long = !angles->is_long.empty() && angles->is_long[i / half] != 0;
          const std::vector<float>& frequencies = is_long ? angles->long_frequencies : angles->frequencies;
          const double angle =
              static_cast<double>(positions[i / half]) * static_cast<double>(frequencies[i % half]);
          angles->cos[i] = magnitude * static_cast<float>(std::cos(angle));
          angles->sin[i] = magnitude * static_cast<float>(std::sin(angle));
          angles->pair_cos[2 * i] = angles->pair_cos[2 * i + 1] = angles->cos[i];
          angles->pair_sin[2 * i] = -angles->sin[i];
          angles->pair_sin[2 * i + 1] = angles->pair_back[2 * i] = angles->sin[i];
          angles->pair_back[2 * i + 1] = -angles->sin[i];
        }
      },
      1024);
  return angles;
}

// Every layer turns the same positions, in one of at most two ways, so the last two tables are kept.
struct LastAngles {
  std::shared_ptr<const Angles> last, other;
};

// Ops run on one thread at a time each.
std::shared_ptr<const Angles> angles_for(std::span<const int32_t> positions, const RopeTurns& turns) {
  auto& [last, other] = per_thread<LastAngles>();
  const auto fits = [&](const std::shared_ptr<const Angles>& angles) {
    return angles && angles->magnitude == turns.magnitude &&
           std::ranges::equal(angles->positions, positions) &&
           std::ranges::equal(angles->frequencies, turns.frequencies) &&
           std::ranges::equal(angles->is_long, turns.is_long) &&
           (turns.is_long.empty() || std::ranges::equal(angles->long_frequencies, turns.long_frequencies));
  };
  if (fits(last)) return last;
  last.swap(other);
  if (!fits(last)) last = compute_angles(positions, turns);
  return last;
}

// One head; direction -1 turns back. Columns behind the rotated ones stay.
void rotate_head(const Angles& angles, size_t t, size_t head_dim, bool interleaved, float direction,
                 const float* x, float* y) {
  const size_t half = angles.half;
  if (interleaved) {
    const std::vector<float>& sines = direction > 0 ? angles.pair_sin : angles.pair_back;
    active_kernels().rotate_pairs(2 * half, x, angles.pair_cos.data() + 2 * t * half,
                                  sines.data() + 2 * t * half, y);
  } else {
    const float* cos = angles.cos.data() + t * half;
    const float* sin = angles.sin.data() + t * half;
    for (size_t i = 0; i < half; ++i) {
      const float a = x[i], b = x[i + half], s = direction * sin[i];
      y[i] = a * cos[i] - b * s;
      y[i + half] = a * s + b * cos[i];
    }
  }
  for (size_t i = 2 * half; i < head_dim; ++i) y[i] = x[i];
}

void rotate(const Tensor& in, Tensor& out, const Angles& angles, size_t head_dim, bool interleaved,
            float direction) {
  parallel_rows(in.rows(), in.cols(), [&](size_t begin, size_t end) {
    for (size_t t = begin; t < end; ++t)
      for (size_t head = 0; head < in.cols(); head += head_dim)
        rotate_head(angles, t, head_dim, interleaved, direction, in.row(t) + head, out.row(t) + head);
  });
}

}  // namespace

Tensor rope(OpContext& ctx, const Tensor& x, size_t head_dim, std::span<const int32_t> positions,
            const RopeTurns& turns) {
  HONE_CHECK(positions.size() == x.rows() && x.cols() % head_dim == 0 &&
             2 * turns.frequencies.size() <= head_dim);
  HONE_CHECK(turns.is_long.empty() ||
             (turns.is_long.size() == x.rows() && turns.long_frequencies.size() == turns.frequencies.size()));
  const std::shared_ptr<const Angles> angles = angles_for(positions, turns);
  const bool interleaved = turns.interleaved;
  Tensor y = Tensor::empty(x.shape());
  rotate(x, y, *angles, head_dim, interleaved, 1.0f);
  if (ctx.tape == nullptr || !ctx.tape->requires_grad(x)) return y;
  ctx.tape->require(y);
  ctx.tape->record(
      [x = x.without_values(), y = y.without_values(), angles, head_dim, interleaved](Tape& tape) {
        Tensor dy = tape.take_grad(y);
        if (!dy.defined()) return;
        rotate(dy, dy, *angles, head_dim, interleaved, -1.0f);
        tape.add_grad(x, dy);
      });
  return y;
}

}  // namespace hone
