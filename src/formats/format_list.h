// The formats' descriptors, for format_list.cpp only; everybody else looks them up through format.h.
#pragma once

#include "formats/format.h"

namespace hone {

extern const Format kFormatF32;
extern const Format kFormatF16;
extern const Format kFormatBF16;
extern const Format kFormatQ8_0;
extern const Format kFormatQ6_K;
extern const Format kFormatQ5_K;
extern const Format kFormatQ4_K;
extern const Format kFormatQ5_1;
extern const Format kFormatQ5_0;
extern const Format kFormatQ4_1;
extern const Format kFormatQ4_0;
extern const Format kFormatIQ4_NL;
extern const Format kFormatIQ4_XS;
extern const Format kFormatMXFP4;
extern const Format kFormatNVFP4;
extern const Format kFormatIQ3_S;
extern const Format kFormatQ3_K;
extern const Format kFormatIQ3_XXS;
extern const Format kFormatQ2_K;
extern const Format kFormatIQ2_S;
extern const Format kFormatIQ2_XS;
extern const Format kFormatIQ2_XXS;
extern const Format kFormatTQ2_0;
extern const Format kFormatIQ1_M;
extern const Format kFormatTQ1_0;
extern const Format kFormatIQ1_S;

}  // namespace hone
