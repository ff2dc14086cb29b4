// The training loop: batches -> objective -> gradients -> optimizer -> adapter, with validation, the best
// adapter kept, and a state to go on from when stopped. Files of the result are adapter_files.h.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "models/model.h"
#include "tune/adapter_set.h"
#include "tune/resume_state.h"
#include "tune/train_config.h"

namespace hone {

struct TrainData {
  const Dataset& train;
  const Dataset* valid = nullptr;
};

// The base model, for the adapter's papers.
struct BaseInfo {
  std::string name;         // path or name, as given
  std::string fingerprint;  // weights_fingerprint()
};

// For callers that watch or stop the run; all optional.
struct TrainHooks {
  std::function<void(const StepRecord&)> on_step;
  std::function<bool()> stop;  // asked before every micro-batch and row of validation; default: Ctrl-C
};

struct TrainResult {
  size_t steps = 0;
  size_t resumed_from = 0;  // steps that an earlier, stopped run had done
  uint64_t tokens = 0;
  std::vector<StepRecord> curve;  // one per step
  std::optional<double> best_valid_loss;
  size_t best_step = 0;  // the saved adapter's; the last without validation
  double seconds = 0;    // of all processes that took part, as far as their work was kept
  double tok_s = 0;      // likewise, training only
  uint64_t trainable_parameters = 0;
  uint64_t peak_rss_bytes = 0;
  size_t recomputed_blocks = 0, n_blocks = 0;  // activations recomputed, of all
};

// Trains a new adapter on the model and writes, under `output`: peft/ (PEFT folder), adapter.gguf when the
// kind has that form, last/ (PEFT folder of the last step when another was better). The saved adapter, the
// one of lowest validation loss, stays on the model. Continues from output/resume.safetensors when a stopped
// run left one.
//
// Throws kInvalidArgument (settings, data, a loss that is no number), kResourceExhausted (memory, before
// starting), kCancelled (state saved), and what files throw.
TrainResult train(Model& model, const TrainData& data, const BaseInfo& base, const TrainConfig& config,
                  const std::filesystem::path& output, const TrainHooks& hooks = {});

// Mean loss per supervised token over rows, without dropout. What before_row throws ends it.
double mean_loss(const Model& model, const std::vector<PackedBatch>& rows, ComputeMode compute,
                 const std::function<void()>& before_row = {});

}  // namespace hone
