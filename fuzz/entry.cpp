// The libFuzzer entry of one target, whose name the build gives.
#include "base/threads.h"
#include "targets.h"

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  hone::set_thread_count(1);  // the same input must do the same
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t n) {
  hone::HONE_FUZZ_ENTRY(bytes, n);
  return 0;
}
