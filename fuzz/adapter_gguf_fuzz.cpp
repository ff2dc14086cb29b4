// The header of an adapter GGUF, with numbers behind it: it loads onto the small model, which then runs, or
// hone::Error.
#include "base/error.h"
#include "memory_file.h"
#include "small_model.h"
#include "targets.h"
#include "tune/adapter_files.h"

void hone::fuzz_adapter_gguf(const uint8_t* bytes, size_t n) {
  const MemoryFile memory(bytes, n);
  memory.append_weights(8192);
  try {
    const LoadedAdapter loaded = load_adapter(small_model(), memory.path(), {.fingerprint = "abc"});
    run_forward(small_model());
    HONE_CHECK(!loaded.adapters.entries().empty());
  } catch (const Error&) {
  }
}
