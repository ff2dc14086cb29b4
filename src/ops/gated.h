// What gated() and gated_matmul() share.
#pragma once

#include "kernels/kernels.h"
#include "ops/halves.h"
#include "ops/ops.h"

namespace hone {

GatedUnit gated_unit(Activation activation);
// The step of the tape, from what was kept of gate and up.
void record_gated(Tape& tape, Activation activation, KeptRows gate, KeptRows up, const Tensor& y);

}  // namespace hone
