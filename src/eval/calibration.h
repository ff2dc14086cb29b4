// Whether a model is as often right as it is sure: of tasks with choices, the probability it gives its answer
// beside how often such answers are right. Guo et al. 2017 (expected calibration error), Brier 1950.
#pragma once

#include <string>
#include <vector>

#include "eval/task_run.h"

namespace hone {

constexpr size_t kCalibrationBins = 15;

// Answers with a confidence above `low` up to `high`.
struct ReliabilityBin {
  double low = 0, high = 0;
  size_t n = 0;
  double confidence = 0, accuracy = 0;  // means; 0 without answers
};

struct Calibration {
  std::string suffix;   // "": softmax over the choices' log p; "_norm": over log p per character, as acc_norm
  Estimate ece;         // sum over bins of their share times |accuracy - confidence|
  double ece_mass = 0;  // the same over as many bins of equally many answers
  Estimate brier;       // mean over items of the sum over choices of (p - right)^2: 0 to 2
  double confidence = 0, accuracy = 0;  // means of the answers
  std::vector<ReliabilityBin> bins;     // of equal width, all of them
};
// By log p, and per character where the task is scored so too. Empty for tasks whose items do not have
// choices with one right among them.
std::vector<Calibration> calibrations(const TaskResult& result, uint64_t seed);
// What the numbers are, for protocols.
std::string calibration_protocol(const Calibration& calibration);

}  // namespace hone
