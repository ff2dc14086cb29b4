// Measuring stages of a run, each cached by content: what its model computes on the items, its tasks, and
// which part of a file's loss comes from where.
#pragma once

#include "pipeline/run_context.h"

namespace hone {

// A model that is a stage: its files, by content.
struct StageModel {
  std::string stage;              // "base", "tuned", "q4_0"
  std::string model;              // what open_model() takes
  std::filesystem::path adapter;  // on top; may be empty
  std::string model_hash, adapter_hash;
  uint64_t bytes = 0;    // to be loaded
  bool answers = false;  // writes the example answers
};

// What stages are measured on.
struct Exam {
  const MeasureItems& items;
  const TaskSet& tasks;
  std::string suffix = {};  // of the records' names: "-valid"
  bool breakdown = false;   // measure ErrorParts too
};

struct StageMeasurement {
  Measurement measurement;
  std::vector<TaskMeasurement> tasks;  // in the order of the recipe's
  std::optional<ErrorParts> parts;     // of files, against a reference
  bool cached = false;
};

// One alone, as below.
StageMeasurement measure_stage(RunContext& run, const Exam& exam, const StageModel& stage,
                               const StageModel* reference = nullptr);

// reference: runs in f32; KL, agreement and parts are against it. nullptr: none of these.
std::vector<StageMeasurement> measure_stages(RunContext& run, const Exam& exam,
                                             std::span<const StageModel> stages, const StageModel* reference);

}  // namespace hone
