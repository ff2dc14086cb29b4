// A target is one function: any bytes either are what they claim to be, or throw hone::Error, which the
// target catches. Anything else that comes out, and any abort, is a defect. CMakeLists.txt lists the targets;
// entry.cpp makes each a libFuzzer program, replay.cpp runs the committed corpora through all of them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hone {

using FuzzTarget = void (*)(const uint8_t* bytes, size_t n);

#define X(name) void fuzz_##name(const uint8_t* bytes, size_t n);
HONE_FUZZ_TARGETS  // X(gguf) X(…) …, from CMakeLists.txt
#undef X

}  // namespace hone
