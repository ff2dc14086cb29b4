#include "tune/schedule.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <string>

#include "base/error.h"

namespace hone {
namespace {

constexpr std::array kSchedules = {
    Schedule{.name = "cosine",
             .summary = "half a cosine from the peak to the minimum",
             .descent = [](double p) noexcept { return 0.5 * (1.0 - std::cos(std::numbers::pi * p)); }},
    Schedule{.name = "linear",
             .summary = "a straight line from the peak to the minimum",
             .descent = [](double p) noexcept { return p; }},
    Schedule{.name = "constant",
             .summary = "the peak throughout, after warm-up",
             .descent = [](double) noexcept { return 0.0; }},
};

}  // namespace

std::span<const Schedule> all_schedules() noexcept {
  return kSchedules;
}

const Schedule& schedule_named(std::string_view name) {
  std::string known;
  for (const Schedule& schedule : kSchedules) {
    if (schedule.name == name) return schedule;
    known += known.empty() ? "" : ", ";
    known += schedule.name;
  }
  fail(ErrorCode::kInvalidArgument, "schedule: got '{}', expected one of {}", name, known);
}

double learning_rate(const Schedule& schedule, const ScheduleSettings& settings, size_t step) noexcept {
  if (step < settings.warmup_steps)
    return settings.peak * static_cast<double>(step + 1) / static_cast<double>(settings.warmup_steps);
  const size_t span =
      std::max<size_t>(1, settings.total_steps - std::min(settings.total_steps, settings.warmup_steps));
  const double progress =
      std::min(1.0, static_cast<double>(step - settings.warmup_steps) / static_cast<double>(span));
  return settings.peak * (1.0 - (1.0 - settings.min_ratio) * schedule.descent(progress));
}

}  // namespace hone
