// Which format each tensor of a model gets: by the mix, what may override it, and what its rows can hold.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "nn/linear.h"
#include "quantize/mix_list.h"

namespace hone {

// Tensors whose GGUF names match the pattern get this format; * stands for any characters.
struct FormatOverride {
  std::string pattern;  // "blk.0.*", "*.ffn_down.weight"
  const Format* format = nullptr;
};
bool matches(std::string_view pattern, std::string_view name) noexcept;

struct QuantizeOptions {
  const Mix* target = nullptr;
  std::string method = "rtn";
  // Every matrix in the mix's base format, the vocabulary projection too.
  bool pure = false;
  const Format* output_tensor = nullptr;       // for output.weight, or the tied token_embd.weight
  const Format* token_embedding = nullptr;     // for token_embd.weight
  std::vector<FormatOverride> overrides = {};  // the first that fits counts, before everything above
  // Quantized tensors of the source may be decoded and rounded again; each pass adds its own error.
  bool allow_requantize = false;
};

struct TensorPlan {
  const Format* format = nullptr;
  TensorRole role = TensorRole::kOther;
  // The format it should have had, when its rows do not divide into that format's blocks.
  const Format* wanted = nullptr;
};

// One entry per tensor of `source`, in order. Throws kInvalidArgument (requantizing without leave,
// a pattern that fits no matrix),
// kNotSupported (architecture), kCorruption (its numbers).
std::vector<TensorPlan> plan_formats(const WeightSource& source, const QuantizeOptions& options);

}  // namespace hone
