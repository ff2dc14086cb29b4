// Runs the tests where 256-bit AVX-512 VNNI can run; elsewhere 77, which CTest reports as skipped.
#include <gtest/gtest.h>

#include <cstdio>

#include "cpu/isa.h"

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (!hone::isa_supported(hone::Isa::kAvx512)) {
    std::puts("skipped: no AVX-512 here to run 256-bit VNNI with");
    return 77;
  }
  return RUN_ALL_TESTS();
}
