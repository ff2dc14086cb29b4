// What --speculate names, made.
#pragma once

#include <memory>
#include <string>

#include "pipeline/loaded_model.h"
#include "runtime/draft.h"

namespace hone::cli {

// The draft and, where it is one, the model behind it.
struct Speculation {
  std::unique_ptr<Model> model;
  std::unique_ptr<Draft> draft;
};

// how: "lookup" (the text so far), "self" (the model itself in q4_0, made in memory), or a smaller model as
// for --model. Throws kInvalidArgument for a draft of another vocabulary.
Speculation make_speculation(const std::string& how, LoadedModel& loaded, const SamplingOptions& sampling);

}  // namespace hone::cli
