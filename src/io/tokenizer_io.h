// The tokenizer.ggml.* keys of GGUF <-> TokenizerData. The chat template is not part of it.
#pragma once

#include "io/weight_source.h"
#include "text/tokenizer.h"

namespace hone {

// Keys that a file leaves out get llama.cpp's defaults. Throws kNotFound without a tokenizer, kCorruption for
// contradictions.
TokenizerData tokenizer_data(const Metadata& metadata);

// Sets every tokenizer.ggml.* key that `data` has a value for; other keys stay.
void store_tokenizer(const TokenizerData& data, Metadata& metadata);

}  // namespace hone
