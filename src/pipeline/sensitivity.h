// Which parts of a model suffer most from rounding: each group of tensors rounded alone, the rest as it was.
#pragma once

#include "pipeline/products.h"
#include "report/results.h"

namespace hone {

// "blk.3" for a layer's tensors, the tensor's name up to ".weight" for others.
std::string group_of(const std::string& tensor);

// Of a file of the run, on the chats of `items`; kept in the run's store.
std::vector<GroupSensitivity> sensitivity_of(RunContext& run, const MeasureItems& items,
                                             const Product& merged, const Product& file);

// One entry for each group that differs between the two files, in the model's order: mean KL divergence from
// the whole model (f32) on the items, in nats. Holds a few copies of the model at a time.
std::vector<GroupSensitivity> measure_sensitivity(const std::string& whole, const std::string& rounded,
                                                  const std::string& format,
                                                  const std::vector<ScoreItem>& items, ComputeMode compute);

}  // namespace hone
