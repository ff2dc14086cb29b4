// Supervised fine-tuning: cross-entropy of the supervised tokens.
#pragma once

#include "tune/objectives/objective.h"

namespace hone {

extern const Objective kSftObjective;

}  // namespace hone
