// hone eval --train-chat: what a model knows of its training data beyond the kind.
#pragma once

#include "eval/overfit.h"
#include "eval_output.h"

namespace hone::cli {

struct OverfitOptions {
  std::string train;
  MemorisedOptions memorised;

  void declare(CLI::App& app);
  // Throws kInvalidArgument where there is nothing held out to compare with.
  void check(const std::string& held_out) const;
};

// Under "overfit" in the parts; the gap is a metric, too.
void add_overfit(EvalOutput& out, const Overfit& result, const OverfitOptions& options, const Dataset& train,
                 const Dataset& held_out);

}  // namespace hone::cli
