// What a stopped run needs to continue bit for bit, in one file that appears whole or not at all: parameters,
// moments, the best adapter so far as tensors; counters and history as JSON in the header.
//
// There is no generator state to keep: data order and dropout masks are functions of seed and step.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "tune/adapter_set.h"
#include "tune/optimizer.h"

namespace hone {

struct StepRecord {
  size_t step = 0;      // steps done, 1-based
  uint64_t tokens = 0;  // so far
  double train_loss = 0;
  std::optional<double> valid_loss = {};
  double lr = 0, grad_norm = 0;
};

struct ResumeState {
  size_t steps_done = 0;
  uint64_t tokens = 0;
  std::vector<StepRecord> history;
  std::optional<double> best_loss;
  size_t best_step = 0;
  double seconds = 0, validation_seconds = 0;  // of all processes so far; the second is part of the first
  std::vector<Tensor> best;  // values, in order of parameters(); empty as long as nothing was measured
};

std::filesystem::path resume_path(const std::filesystem::path& output);
void save_resume_state(const std::filesystem::path& path, const nlohmann::ordered_json& settings,
                       const AdapterSet& adapters, AdamW& optimizer, const ResumeState& state);
// Restores parameters and optimizer too. nullopt when there is no file; throws kInvalidArgument naming every
// setting that differs, kCorruption when the file does not fit the run.
std::optional<ResumeState> load_resume_state(const std::filesystem::path& path,
                                             const nlohmann::ordered_json& settings,
                                             const AdapterSet& adapters, AdamW& optimizer);

}  // namespace hone
