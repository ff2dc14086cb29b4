// Training objectives as data: one file each, one row in objective_list.cpp.
#pragma once

#include <span>
#include <string_view>

#include "data/dataset.h"
#include "models/model.h"

namespace hone {

struct Objective {
  std::string_view name;
  std::string_view summary;
  // Sum of the loss over the batch's targets. With a tape in ctx it runs backward too: parameter gradients
  // receive those of the sum times grad_scale.
  double (*run)(const Model& model, OpContext& ctx, const PackedBatch& batch, float grad_scale);
};

std::span<const Objective* const> all_objectives() noexcept;
// Throws kInvalidArgument naming the known objectives.
const Objective& objective_named(std::string_view name);

}  // namespace hone
