// The training stage: cached by content, resumed when it was stopped.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "pipeline/stage_store.h"
#include "report/results.h"
#include "tune/trainer.h"

namespace hone {

struct TrainedAdapter {
  bool cached = false;
  std::string hash;  // of the adapter's weights
  uint64_t file_bytes = 0;
  uint64_t tokens = 0, trainable_parameters = 0, peak_rss_bytes = 0;
  double tok_s = 0, seconds = 0;
  std::vector<LossPoint> curve;
};

// Trains into the store's folder `name` unless that is done already; its record is `stage`. `model` is asked
// for only when training is due. A stopped training of other settings is an error unless config.restart.
TrainedAdapter train_stage(StageStore& store, const std::string& stage, const std::string& name,
                           const std::function<Model&()>& model, const TrainData& data, const BaseInfo& base,
                           const TrainConfig& config);

}  // namespace hone
