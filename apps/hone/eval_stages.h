// hone eval --stages: models compared as the stages of one another.
#pragma once

#include "evaluation.h"

namespace hone::cli {

// One of --model and --stages, and nothing beside --stages that it does not measure. Throws kInvalidArgument.
void check_stages(const EvalArguments& arguments);
Outcome compare_stages(const EvalArguments& arguments, const CommonOptions& common);

}  // namespace hone::cli
