// AdamW and gradient clipping over f32 parameters.
#pragma once

#include <cstddef>
#include <vector>

#include "ops/tensor.h"

namespace hone {

struct AdamWSettings {
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0.0;
};

// Adam with decoupled weight decay and bias correction (Loshchilov & Hutter 2019, algorithm 2), in torch's
// order of operations. Moments are f32.
class AdamW {
 public:
  AdamW(std::vector<Parameter*> parameters, const AdamWSettings& settings);

  // One update at rate `lr` from the parameters' gradients (a parameter without a gradient stays as it is),
  // which are then zeroed.
  void step(double lr);
  void zero_grad();

  size_t steps_done() const noexcept { return steps_; }
  const std::vector<Parameter*>& parameters() const noexcept { return parameters_; }
  // Moments in the order of parameters(), for saving and restoring.
  std::vector<Tensor>& first_moments() noexcept { return first_; }
  std::vector<Tensor>& second_moments() noexcept { return second_; }
  void set_steps_done(size_t steps) noexcept { steps_ = steps; }

 private:
  std::vector<Parameter*> parameters_;
  std::vector<Tensor> first_, second_;
  AdamWSettings settings_;
  size_t steps_ = 0;
};

// The l2 norm over all gradients together (accumulated in double).
double global_gradient_norm(const std::vector<Parameter*>& parameters);
// Scales all gradients by max_norm / (norm + 1e-6) when that is below 1, as torch does; max_norm <= 0: no
// clipping. Returns the norm before clipping.
double clip_gradients(const std::vector<Parameter*>& parameters, double max_norm);

}  // namespace hone
