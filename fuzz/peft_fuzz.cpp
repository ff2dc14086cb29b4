// Three parts: adapter_config.json, hone_adapter.json (empty: none) and the header of
// adapter_model.safetensors. The folder loads onto the small model, which then runs, or hone::Error.
#include "base/error.h"
#include "inspect/contents.h"
#include "safetensors_input.h"
#include "small_model.h"
#include "targets.h"
#include "tune/adapter_files.h"

void hone::fuzz_peft(const uint8_t* bytes, size_t n) {
  static MemoryFolder with_papers, bare;
  const auto parts = split_parts(bytes, n, 3);
  MemoryFolder& folder = parts[1].empty() ? bare : with_papers;
  folder.set("adapter_config.json", parts[0]);
  if (!parts[1].empty()) folder.set("hone_adapter.json", parts[1]);
  write_header_and_data(folder.set("adapter_model.safetensors", {}), parts[2]);
  try {
    open_peft(folder.path());
  } catch (const Error&) {
  }
  try {
    const LoadedAdapter loaded = load_adapter(small_model(), folder.path(), {.fingerprint = "abc"});
    run_forward(small_model());
    HONE_CHECK(!loaded.adapters.entries().empty());
  } catch (const Error&) {
  }
}
