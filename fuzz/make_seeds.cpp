// fuzz_seeds TESTS FOLDER: writes the first inputs of the targets that read models and adapters into
// FOLDER/TARGET/. They are headers of small files: of the random models in tests/golden/models, of
// stories260K, and of adapters for the small model.
#include <cstdio>
#include <cstring>

#include "base/atomic_file.h"
#include "io/gguf.h"
#include "memory_file.h"
#include "models/convert.h"
#include "models/hf_source.h"
#include "small_model.h"
#include "tune/adapter_files.h"
#include "tune/resume_state.h"

namespace hone {
namespace {

namespace fs = std::filesystem;

void put(const fs::path& folder, const std::string& name, std::string_view text) {
  make_directories(folder);
  write_file(folder / name, text);
}

std::string gguf_header(const fs::path& path) {
  const std::string bytes = read_file(path);
  uint64_t data_bytes = 0;
  const GgufFile file(path);
  for (const TensorInfo& tensor : file.tensors()) data_bytes += (tensor.n_bytes() + 31) / 32 * 32;
  return bytes.substr(0, bytes.size() - data_bytes);
}

std::string safetensors_header(const fs::path& path) {
  const std::string bytes = read_file(path);
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof(length));
  return bytes.substr(sizeof(length), length);
}

std::string joined(std::initializer_list<std::string> parts) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : std::string(kBreak)) + part;
  return out;
}

void model_seeds(const fs::path& model, const fs::path& out, const fs::path& scratch) {
  HfSource source(model);
  const std::string name = model.filename().string();
  convert_to_gguf(source, scratch / "model.gguf", "bf16");
  put(out / "model", name, gguf_header(scratch / "model.gguf"));
  if (fs::exists(model / "model.safetensors"))
    put(out / "hf_folder", name,
        joined({read_file(model / "config.json"), read_file(model / "tokenizer.json"),
                read_file(model / "tokenizer_config.json"),
                safetensors_header(model / "model.safetensors")}));
}

void adapter_seeds(const fs::path& out, const fs::path& scratch) {
  for (const size_t rank : {1, 3}) {
    const std::string name = fmt::format("rank{}", rank);
    const AdapterSet set = AdapterSet::create(
        small_model(), {.rank = rank, .alpha = 2, .targets = {rank == 1 ? "attn_q" : "v_proj", "ffn_down"}});
    const AdapterPapers papers{.base_name = "small", .base_fingerprint = "abc", .training = {{"lr", 0.1}}};
    save_adapter_gguf(set, papers, scratch / "adapter.gguf");
    put(out / "adapter_gguf", name, gguf_header(scratch / "adapter.gguf"));
    save_peft(set, papers, scratch / "peft");
    const fs::path peft = scratch / "peft";
    put(out / "peft", name,
        joined({read_file(peft / "adapter_config.json"), read_file(peft / "hone_adapter.json"),
                safetensors_header(peft / "adapter_model.safetensors")}));
  }
  AdapterSet set = AdapterSet::create(small_model(), {.rank = 1, .alpha = 2, .targets = {"attn_q"}});
  AdamW optimizer(set.parameters(), {});
  ResumeState state;
  state.steps_done = 2;
  state.history = {{.step = 1, .tokens = 9, .train_loss = 2.5, .lr = 0.1}, {.step = 2, .valid_loss = 2.25}};
  for (const bool best : {false, true}) {
    if (best) state.best = set.snapshot(), state.best_loss = 2.25, state.best_step = 2;
    save_resume_state(scratch / "resume", {{"lr", 0.1}}, set, optimizer, state);
    put(out / "resume", best ? "best" : "plain", safetensors_header(scratch / "resume"));
  }
}

}  // namespace
}  // namespace hone

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: fuzz_seeds TESTS FOLDER\n");
    return 2;
  }
  namespace fs = std::filesystem;
  const fs::path tests = argv[1], out = argv[2];
  std::string scratch = (fs::temp_directory_path() / "hone-seeds-XXXXXX").string();
  if (::mkdtemp(scratch.data()) == nullptr) return 1;
  for (const auto& entry : fs::directory_iterator(tests / "golden" / "models"))
    if (entry.is_directory()) hone::model_seeds(entry.path(), out, scratch);
  hone::model_seeds(tests / "data" / "stories260K", out, scratch);
  hone::adapter_seeds(out, scratch);
  fs::remove_all(scratch);
  return 0;
}
