// The architectures' descriptors, for architecture_list.cpp only; everybody else looks them up through
// architecture.h.
#pragma once

#include "models/architecture.h"

namespace hone {

extern const Architecture kArchitectureLlama;
extern const Architecture kArchitectureGemma3;
extern const Architecture kArchitectureQwen2;
extern const Architecture kArchitectureQwen3;
extern const Architecture kArchitecturePhi3;

}  // namespace hone
