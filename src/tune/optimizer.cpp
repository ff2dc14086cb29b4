#include "tune/optimizer.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "ops/parallel.h"
#include "ops/rows.h"

namespace hone {

AdamW::AdamW(std::vector<Parameter*> parameters, const AdamWSettings& settings)
    : parameters_(std::move(parameters)), settings_(settings) {
  for (const Parameter* parameter : parameters_) {
    first_.push_back(Tensor::zeros(parameter->value.shape()));
    second_.push_back(Tensor::zeros(parameter->value.shape()));
  }
}

void AdamW::step(double lr) {
  ++steps_;
  const double t = static_cast<double>(steps_);
  const double correction1 = 1.0 - std::pow(settings_.beta1, t);
  const double correction2_sqrt = std::sqrt(1.0 - std::pow(settings_.beta2, t));
  const float beta1_rest = static_cast<float>(1.0 - settings_.beta1);
  const float beta2 = static_cast<float>(settings_.beta2);
  const float beta2_rest = static_cast<float>(1.0 - settings_.beta2);
  const float step_size = static_cast<float>(lr / correction1);
  const float root = static_cast<float>(correction2_sqrt);
  const float eps = static_cast<float>(settings_.eps);
  for (size_t i = 0; i < parameters_.size(); ++i) {
    Parameter& parameter = *parameters_[i];
    if (!parameter.grad.defined()) continue;
    const float keep = parameter.decay ? static_cast<float>(1.0 - lr * settings_.weight_decay) : 1.0f;
    float* p = parameter.value.data();
    float* g = parameter.grad.data();
    float* m = first_[i].data();
    float* v = second_[i].data();
    parallel_rows(parameter.value.size(), 1, [&](size_t begin, size_t end) {
      for (size_t j = begin; j < end; ++j) {
        const float grad = g[j];
        m[j] += (grad - m[j]) * beta1_rest;
        v[j] = v[j] * beta2 + grad * grad * beta2_rest;
        p[j] = p[j] * keep - step_size * (m[j] / (std::sqrt(v[j]) / root + eps));
        g[j] = 0.0f;
      }
    });
  }
}

void AdamW::zero_grad() {
  for (Parameter* parameter : parameters_) {
    if (parameter->grad.defined()) std::fill_n(parameter->grad.data(), parameter->grad.size(), 0.0f);
  }
}

double global_gradient_norm(const std::vector<Parameter*>& parameters) {
  std::vector<double> parts(parameters.size());
  thread_pool().run(parameters.size(), [&](size_t i, int) {
    if (!parameters[i]->grad.defined()) return;
    parts[i] = row_squares({parameters[i]->grad.data(), parameters[i]->grad.size()});
  });
  double sum = 0;
  for (const double part : parts) sum += part;
  return std::sqrt(sum);
}

double clip_gradients(const std::vector<Parameter*>& parameters, double max_norm) {
  const double norm = global_gradient_norm(parameters);
  if (max_norm <= 0) return norm;
  const double factor = max_norm / (norm + 1e-6);
  if (!(factor < 1.0)) return norm;  // also when the norm is not a number
  const float scale = static_cast<float>(factor);
  for (Parameter* parameter : parameters) {
    if (!parameter->grad.defined()) continue;
    float* g = parameter->grad.data();
    parallel_rows(parameter->grad.size(), 1, [&](size_t begin, size_t end) {
      for (size_t j = begin; j < end; ++j) g[j] *= scale;
    });
  }
  return norm;
}

}  // namespace hone
