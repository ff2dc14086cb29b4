// The header of resume.safetensors with numbers behind it: a state that fits the small model's adapters, or
// hone::Error.
#include "base/error.h"
#include "safetensors_input.h"
#include "small_model.h"
#include "targets.h"
#include "tune/resume_state.h"

void hone::fuzz_resume(const uint8_t* bytes, size_t n) {
  static AdapterSet adapters =
      AdapterSet::create(small_model(), {.rank = 1, .alpha = 2, .targets = {"attn_q"}});
  static AdamW optimizer(adapters.parameters(), {});
  const MemoryFile memory;
  write_header_and_data(memory, {bytes, n});
  try {
    const auto state = load_resume_state(memory.path(), {{"lr", 0.1}}, adapters, optimizer);
    HONE_CHECK(state.has_value() &&
               (state->best.empty() || state->best.size() == adapters.parameters().size()));
  } catch (const Error&) {
  }
}
