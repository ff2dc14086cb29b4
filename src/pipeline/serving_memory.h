// What serving a model holds, as the kernel counts it: measured in a process of its own, because a run has
// several models loaded at once.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ops/context.h"
#include "tune/adapter_stack.h"

namespace hone {

struct ServedModel {
  std::string model;  // what open_model() takes
  std::vector<AdapterChoice> adapters = {};
};

// Peak resident bytes of `program generate` (this program) while it loads the model, reads `prompt` and
// writes a few tokens behind it. nullopt, with a word to the user, when that did not end well. Throws
// kCancelled.
std::optional<uint64_t> measure_serving_memory(const std::string& program, const ServedModel& served,
                                               const std::string& prompt, ComputeMode compute);

}  // namespace hone
