// Four parts: config.json, tokenizer.json, tokenizer_config.json and the header of model.safetensors. The
// folder is a model that runs, or hone::Error.
#include "base/error.h"
#include "models/hf_source.h"
#include "safetensors_input.h"
#include "small_model.h"
#include "targets.h"

void hone::fuzz_hf_folder(const uint8_t* bytes, size_t n) {
  static MemoryFolder folder;
  const auto parts = split_parts(bytes, n, 4);
  folder.set("config.json", parts[0]);
  folder.set("tokenizer.json", parts[1]);
  folder.set("tokenizer_config.json", parts[2]);
  write_header_and_data(folder.set("model.safetensors", {}), parts[3]);
  try {
    HfSource source(folder.path());
    run_forward(Model(source));
  } catch (const Error&) {
  }
}
