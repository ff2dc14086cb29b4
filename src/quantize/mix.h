// Which format each tensor of a model gets: a table of role and target, and what may override it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "nn/linear.h"

namespace hone {

struct QuantizeOptions {
  const Format* target = nullptr;
  std::string method = "rtn";
  // Every matrix in the target format, the vocabulary projection too.
  bool pure = false;
  const Format* output_tensor = nullptr;    // for output.weight, or the tied token_embd.weight
  const Format* token_embedding = nullptr;  // for token_embd.weight
  // Quantized tensors of the source may be decoded and rounded again; each pass adds its own error.
  bool allow_requantize = false;
};

struct TensorPlan {
  const Format* format = nullptr;
  TensorRole role = TensorRole::kOther;
  std::string note;  // why the format is not the one asked for; empty otherwise
};

// One entry per tensor of `source`, in order. Throws kInvalidArgument (requantizing without leave),
// kNotSupported (architecture).
std::vector<TensorPlan> plan_formats(const WeightSource& source, const QuantizeOptions& options);

}  // namespace hone
