// A quantized file, read again and compared with what it was made from.
#pragma once

#include <filesystem>

#include "quantize/quantize.h"

namespace hone {

// Opens `file` anew and checks it against `source`: the same tensors and shapes; equal bytes where the format
// is the same; where it is not, the error of every role is what quantizing said it was. Throws kCorruption
// naming the first difference.
void read_back(WeightSource& source, const std::filesystem::path& file, const QuantizeResult& said);

}  // namespace hone
