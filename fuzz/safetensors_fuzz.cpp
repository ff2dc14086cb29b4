// Any bytes either are a safetensors file whose tensors can all be read, or throw hone::Error.
#include "base/error.h"
#include "io/safetensors.h"
#include "memory_file.h"
#include "targets.h"

void hone::fuzz_safetensors(const uint8_t* bytes, size_t n) {
  const hone::MemoryFile memory(bytes, n);
  try {
    const hone::SafetensorsFile file(memory.path());
    unsigned sum = 0;
    uint64_t total = 0;
    for (const hone::SafeTensor& tensor : file.tensors()) {
      HONE_CHECK(file.find(tensor.name) == &tensor, "name={}", tensor.name);
      if (!tensor.data.empty())
        sum += static_cast<unsigned>(tensor.data.front()) + static_cast<unsigned>(tensor.data.back());
      total += tensor.data.size();
    }
    HONE_CHECK(total < n, "total={} n={}", total, n);
    volatile unsigned sink = sum;
    static_cast<void>(sink);
  } catch (const hone::Error&) {
  }
}
