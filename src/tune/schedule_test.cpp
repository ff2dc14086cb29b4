#include "tune/schedule.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace hone {
namespace {

TEST(Schedule, WarmsUpToThePeakThenDescends) {
  const ScheduleSettings settings{.peak = 1.0, .warmup_steps = 4, .total_steps = 14, .min_ratio = 0.1};
  const Schedule& cosine = schedule_named("cosine");
  EXPECT_DOUBLE_EQ(learning_rate(cosine, settings, 0), 0.25);
  EXPECT_DOUBLE_EQ(learning_rate(cosine, settings, 3), 1.0);
  EXPECT_DOUBLE_EQ(learning_rate(cosine, settings, 4), 1.0);
  EXPECT_NEAR(learning_rate(cosine, settings, 9), 0.55, 1e-12);  // half way: mean of peak and minimum
  EXPECT_NEAR(learning_rate(cosine, settings, 14), 0.1, 1e-12);
  EXPECT_NEAR(learning_rate(cosine, settings, 1000), 0.1, 1e-12);
}

TEST(Schedule, LinearAndConstant) {
  const ScheduleSettings settings{.peak = 2.0, .warmup_steps = 0, .total_steps = 10, .min_ratio = 0.0};
  EXPECT_DOUBLE_EQ(learning_rate(schedule_named("linear"), settings, 0), 2.0);
  EXPECT_NEAR(learning_rate(schedule_named("linear"), settings, 5), 1.0, 1e-12);
  EXPECT_DOUBLE_EQ(learning_rate(schedule_named("constant"), settings, 9), 2.0);
}

TEST(Schedule, WarmupLongerThanTheRunStaysFinite) {
  const ScheduleSettings settings{.peak = 1.0, .warmup_steps = 20, .total_steps = 10};
  EXPECT_DOUBLE_EQ(learning_rate(schedule_named("cosine"), settings, 9), 0.5);
}

TEST(Schedule, UnknownNameIsRefused) {
  EXPECT_THROW(schedule_named("cosign"), Error);
}

}  // namespace
}  // namespace hone
