// The header of a model's GGUF, with weights behind it. What the file says of its tokenizer, chat template,
// shapes and tensors is used as `hone generate` uses it; each step gives a result or hone::Error.
#include "base/error.h"
#include "inspect/contents.h"
#include "io/gguf.h"
#include "io/tokenizer_io.h"
#include "memory_file.h"
#include "models/architecture.h"
#include "small_model.h"
#include "targets.h"
#include "text/chat_template.h"

namespace {

constexpr size_t kWeightBytes = 1 << 17;

void try_step(const auto& step) {
  try {
    step();
  } catch (const hone::Error&) {
  }
}

void use_text(const hone::Metadata& metadata) {
  const hone::Tokenizer tokenizer(hone::tokenizer_data(metadata));
  const auto ids = tokenizer.encode("Hello <s> wörld\n\n  12345 don't", {.parse_special = true});
  tokenizer.decode(ids, true);
  const hone::ChatTemplate chat(metadata.find_string("tokenizer.chat_template").value_or("{{ messages }}"),
                                "<s>", "</s>");
  chat.render(nlohmann::ordered_json::parse(R"([{"role": "user", "content": "hi"}])"));
}

}  // namespace

void hone::fuzz_model(const uint8_t* bytes, size_t n) {
  const MemoryFile memory(bytes, n);
  memory.append_weights(kWeightBytes);
  try_step([&] { open_gguf(memory.path()); });
  try_step([&] {
    GgufFile file(memory.path());
    try_step([&] { use_text(file.metadata()); });
    run_forward(Model(file));
  });
}
