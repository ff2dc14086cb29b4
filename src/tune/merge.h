// Adapters put into the weights: W + scaling * B A of each, in a float format, never back onto the base's
// grid. The result is checked against the base with the adapters on before it appears.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tune/adapter_stack.h"

namespace hone {

struct MergeOptions {
  std::string format = "f16";    // of all matrices: f16, bf16 or f32
  bool ignore_base = false;      // as LoadAdapterOptions
  size_t check_tokens = 64;      // for the comparison of logits; cut to the model's context
  double max_difference = 0.05;  // refuse above this times max(1, RMS of the logits)
};

struct MergeResult {
  double max_logit_difference = 0;
  double logit_rms = 0;  // of the unmerged model
  uint64_t file_bytes = 0;
  std::vector<std::string> notes;
};

// Writes a GGUF at `output` with the tensors of `base` in their order: matrices in the chosen format, vectors
// f32; metadata as in the base, with general.file_type and where it comes from. fingerprint: of the base.
// Throws what load_adapter() throws; kInvalidArgument for values beyond the format's range (naming the
// tensor), kInternal when the check fails; `output` is then as it was.
MergeResult merge(WeightSource& base, const std::string& fingerprint, std::span<const AdapterChoice> adapters,
                  const std::filesystem::path& output, const MergeOptions& options);

}  // namespace hone
