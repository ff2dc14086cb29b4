// What a training run is told. Defaults follow common LoRA practice (PEFT, TRL).
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "tune/adapters/adapter.h"

namespace hone {

enum class Checkpointing { kAuto, kOn, kOff };

struct TrainConfig {
  std::string objective = "sft";
  AdapterSettings adapter;
  // A saved adapter to start from; its kind, rank, alpha, dropout and targets then rule over `adapter`.
  std::filesystem::path init_adapter;
  bool ignore_base = false;  // accept an init_adapter that was trained on other weights

  // Length of the run: at most one of these; none means one epoch.
  size_t steps = 0;
  double epochs = 0;
  uint64_t tokens = 0;  // stops with the step that reaches this many tokens (prompt tokens included)

  size_t batch = 1;          // rows per micro-batch
  size_t accumulate = 8;     // micro-batches per step
  size_t max_length = 1024;  // tokens per row
  bool packing = true;       // several samples per row
  bool shuffle = true;       // false: the order of the data file

  double lr = 2e-4;
  std::string schedule = "cosine";
  double warmup_ratio = 0.03;
  size_t warmup_steps = 0;  // when not 0, instead of the ratio
  double min_lr_ratio = 0.1;
  double weight_decay = 0.0;
  double clip = 1.0;  // global gradient norm; 0: none

  uint64_t seed = 42;
  bool precise = false;  // every product in f32
  Checkpointing checkpointing = Checkpointing::kAuto;
  uint64_t memory_limit =
      0;                  // bytes this process may hold; 0: what is available. Results do not depend on it
  size_t eval_every = 0;  // steps; 0: five times over the run. The last step is always measured
  size_t save_every = 0;  // steps between saves of the resume state; 0: by the clock, about once a minute
  bool restart = false;   // throw away the state of a stopped run
};

// Throws kInvalidArgument naming the setting, its value and its range.
void validate(const TrainConfig& config);
// Every setting that the result depends on, flat: what a resumed run must have in common with the stopped
// one.
nlohmann::ordered_json settings_json(const TrainConfig& config);
// "auto", "on", "off"; throws kInvalidArgument.
Checkpointing parse_checkpointing(const std::string& text);

}  // namespace hone
