// The products of a model's matrices, timed one by one: what the roofline picture shows beside the whole
// works.
#pragma once

#include <string>
#include <vector>

#include "models/model.h"

namespace hone::cli {

struct ShapeResult {
  std::string name;                               // "ffn_up q4_0 1536 x 576, 512 rows"
  double operations = 0, bytes = 0, seconds = 0;  // of one product: input, output and weights are the bytes
};

// Every shape of matrix in the blocks and the head, for one row (decoding) and for `rows` (a prompt). Each
// product is taken from another matrix of that shape every time, as a model does, so that weights come from
// memory when they would in it.
std::vector<ShapeResult> time_shapes(const Model& model, size_t rows, bool precise);

}  // namespace hone::cli
