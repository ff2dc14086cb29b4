// Learning rate over the run: warm-up, then a curve down to a share of the peak.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace hone {

struct Schedule {
  std::string_view name;  // "cosine"
  std::string_view summary;
  // Share of the way down, in [0, 1], at `progress` in [0, 1] of the time after warm-up.
  double (*descent)(double progress) noexcept;
};
std::span<const Schedule> all_schedules() noexcept;
// Throws kInvalidArgument naming the known schedules.
const Schedule& schedule_named(std::string_view name);

struct ScheduleSettings {
  double peak = 2e-4;
  size_t warmup_steps = 0;
  size_t total_steps = 1;
  double min_ratio = 0.1;
};
// The rate of step `step` (0-based). Warm-up is linear and reaches the peak in its last step: unlike
// transformers, no step is spent at rate zero.
double learning_rate(const Schedule& schedule, const ScheduleSettings& settings, size_t step) noexcept;

}  // namespace hone
