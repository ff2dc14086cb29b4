// A model's tensors rounded into another format and written to a GGUF file, one tensor at a time.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "io/memory_source.h"
#include "quantize/mix.h"

namespace hone {

struct QuantizeResult {
  std::filesystem::path output;
  uint64_t file_bytes = 0;
  double bits_per_weight = 0;  // tensor bytes over all parameters
  double seconds = 0;
  std::map<std::string, size_t> formats;  // format name -> tensors
  // Role name -> RMS(error) / RMS(weights), over the tensors of that role that were rounded.
  std::map<std::string, double> relative_rms_error;
  std::vector<std::string> notes;
};

// Streams: peak memory is that of the largest tensor. Tensors that keep their format keep their bytes. Sets
// general.file_type and general.quantization_version; all other metadata stays. Throws what plan_formats()
// throws, kInvalidArgument (output is the source), kCorruption (weights that are not finite),
// kResourceExhausted (disk), kIo, kCancelled; then nothing is left behind.
QuantizeResult quantize_file(WeightSource& source, const std::filesystem::path& output,
                             const QuantizeOptions& options);

// The same into memory: a draft for speculative decoding. Peak memory is that of the whole copy.
MemorySource quantize_in_memory(WeightSource& source, const QuantizeOptions& options);

}  // namespace hone
