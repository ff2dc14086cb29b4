#include "tune/train_config.h"

#include <cmath>

#include "base/error.h"
#include "tune/objectives/objective.h"
#include "tune/schedule.h"

namespace hone {
namespace {

constexpr size_t kMaxSteps = 100'000'000;
constexpr size_t kMaxLength = 1 << 22;
constexpr size_t kMaxRows = 1 << 16;

void need(bool ok, const char* name, double value, const char* expected) {
  if (!ok) fail(ErrorCode::kInvalidArgument, "tune: {}: got {}, expected {}", name, value, expected);
}
void need_count(size_t value, size_t most, const char* name) {
  if (value < 1 || value > most)
    fail(ErrorCode::kInvalidArgument, "tune: {}: got {}, expected 1 to {}", name, value, most);
}

}  // namespace

void validate(const TrainConfig& config) {
  objective_named(config.objective);
  schedule_named(config.schedule);
  adapter_kind_named(config.adapter.kind).validate(config.adapter);
  const int lengths = (config.steps != 0) + (config.epochs != 0) + (config.tokens != 0);
  if (lengths > 1)
    fail(ErrorCode::kInvalidArgument,
         "tune: got more than one of steps ({}), epochs ({}) and tokens ({}); give one", config.steps,
         config.epochs, config.tokens);
  if (config.steps > kMaxSteps)
    fail(ErrorCode::kInvalidArgument, "tune: steps: got {}, expected at most {}", config.steps, kMaxSteps);
  need(config.epochs >= 0 && config.epochs <= 1e6, "epochs", config.epochs,
       "a number above 0, at most 1000000");
  need_count(config.batch, kMaxRows, "batch");
  need_count(config.accumulate, kMaxRows, "accumulate");
  need_count(config.max_length, kMaxLength, "max-length");
  need(config.lr > 0 && std::isfinite(config.lr), "lr", config.lr, "a positive number");
  need(config.warmup_ratio >= 0 && config.warmup_ratio <= 1, "warmup-ratio", config.warmup_ratio, "0 to 1");
  need(config.min_lr_ratio >= 0 && config.min_lr_ratio <= 1, "min-lr-ratio", config.min_lr_ratio, "0 to 1");
  need(config.weight_decay >= 0 && std::isfinite(config.weight_decay), "weight-decay", config.weight_decay,
       "0 or more");
  need(config.clip >= 0 && std::isfinite(config.clip), "clip", config.clip, "0 or more");
}

nlohmann::ordered_json settings_json(const TrainConfig& config) {
  return {
      {"objective", config.objective},
      {"adapter", config.adapter.kind},
      {"rank", config.adapter.rank},
      {"alpha", config.adapter.alpha},
      {"dropout", config.adapter.dropout},
      {"rslora", config.adapter.rslora},
      {"targets", config.adapter.targets},
      {"adapter_seed", config.adapter.seed},
      {"init_adapter", config.init_adapter.string()},
      {"steps", config.steps},
      {"epochs", config.epochs},
      {"tokens", config.tokens},
      {"batch", config.batch},
      {"accumulate", config.accumulate},
      {"max_length", config.max_length},
      {"packing", config.packing},
      {"shuffle", config.shuffle},
      {"lr", config.lr},
      {"schedule", config.schedule},
      {"warmup_ratio", config.warmup_ratio},
      {"warmup_steps", config.warmup_steps},
      {"min_lr_ratio", config.min_lr_ratio},
      {"weight_decay", config.weight_decay},
      {"clip", config.clip},
      {"seed", config.seed},
      {"precise", config.precise},
      {"eval_every", config.eval_every},
  };
}

Checkpointing parse_checkpointing(const std::string& text) {
  if (text == "auto") return Checkpointing::kAuto;
  if (text == "on") return Checkpointing::kOn;
  if (text == "off") return Checkpointing::kOff;
  fail(ErrorCode::kInvalidArgument, "checkpointing: got '{}', expected auto, on or off", text);
}

}  // namespace hone
