// Any bytes either are a GGUF file whose tensors can all be read, or throw hone::Error.
#include "base/error.h"
#include "io/gguf.h"
#include "memory_file.h"
#include "targets.h"

void hone::fuzz_gguf(const uint8_t* bytes, size_t n) {
  const hone::MemoryFile memory(bytes, n);
  try {
    hone::GgufFile file(memory.path());
    unsigned sum = 0;
    for (size_t i = 0; i < file.tensors().size(); ++i) {
      const auto data = file.data(i);
      HONE_CHECK(data.size() == file.tensors()[i].n_bytes(), "size={}", data.size());
      if (!data.empty()) sum += static_cast<unsigned>(data.front()) + static_cast<unsigned>(data.back());
      file.release(i);
    }
    volatile unsigned sink = sum;
    static_cast<void>(sink);
  } catch (const hone::Error&) {
  }
}
