// What linear_cross_entropy (ops/ops.h) holds.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ops/context.h"

namespace hone {

// The largest chunk of `tokens` scored rows at a time, in training: rows of (C), their logits (V) unless they
// are streamed, and the gradients of these.
uint64_t cross_entropy_bytes(size_t tokens, size_t width, size_t vocab, ComputeMode mode) noexcept;

// Whether, of gradients of logits (V) over hidden states (C), only what is drawn goes back through the
// vocabulary (ops/sampled_gradients.h).
bool samples_gradients(ComputeMode mode, size_t width) noexcept;

}  // namespace hone
