// What tuning is compared with: the untuned base told by a system prompt and solved examples what is wanted,
// and another model as it came. They are stages that nothing is made from.
#pragma once

#include "pipeline/measure_stages.h"
#include "report/results.h"

namespace hone {

struct RivalStage {
  StageResult result;  // its row of the report, without figures
  StageMeasurement measured;
};

// "prompted" and "rival", as far as the recipe's [rival] asks for them.
std::vector<RivalStage> measure_rivals(RunContext& run);

// The held-out chats behind a system prompt and the first `shots` training chats, scored on the same answer
// tokens as `plain`. Throws kInvalidArgument when a prompt leaves no room in the model's context.
MeasureItems prompted_items(const Recipe& recipe, const MeasureItems& plain, const ChatCodec& codec,
                            size_t context);

}  // namespace hone
