// The rounders' descriptors, for rounder_list.cpp only.
#pragma once

#include "quantize/rounder.h"

namespace hone {

extern const Rounder kRounderRtn;

}  // namespace hone
