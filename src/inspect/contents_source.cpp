// GGUF files and Hugging Face folders: what a WeightSource shows.
#include <fmt/format.h>

#include "base/error.h"
#include "base/hash.h"
#include "inspect/contents.h"
#include "inspect/roles.h"
#include "io/gguf.h"
#include "models/architecture.h"
#include "models/hf_source.h"

namespace hone {
namespace {

namespace fs = std::filesystem;

const Architecture* known_architecture(const std::string& name) {
  for (const Architecture* arch : all_architectures())
    if (arch->gguf_name == name) return arch;
  return nullptr;
}

class SourceContents final : public Contents {
 public:
  SourceContents(const fs::path& file, std::string container_name, std::unique_ptr<WeightSource> source)
      : source_(std::move(source)) {
    path = file;
    container = std::move(container_name);
    file_bytes = source_->file_bytes();
    metadata = source_->metadata();
    architecture = metadata.find_string("general.architecture").value_or("");
    name = metadata.find_string("general.name").value_or("");
    kind = metadata.find_string("general.type").value_or("model");
    for (const TensorInfo& info : source_->tensors()) {
      tensors.push_back({.name = info.name,
                         .shape = info.shape,
                         .format = std::string(info.format->name),
                         .decoder = info.format,
                         .n_elements = info.n_elements(),
                         .n_bytes = info.n_bytes(),
                         .role = role_of(architecture, info.name)});
      if (adapter_matrix(info.name) == 'a' && info.shape.size() == 2) ranks.insert(info.shape[1]);
    }
    if (kind == "model") read_model();
  }

  std::span<const std::byte> data(size_t i) override { return source_->data(i); }
  void release(size_t i) override { source_->release(i); }
  std::string hash() override { return kind == "model" ? weights_fingerprint(*source_) : hash_file(path); }

 private:
  void read_model() {
    context_length = metadata.find_integer(architecture + ".context_length").value_or(0);
    const Architecture* arch = known_architecture(architecture);
    runnable = arch != nullptr;
    if (runnable) name = arch->config_from_gguf(metadata).name;  // for its checks of the numbers, too
  }

  std::unique_ptr<WeightSource> source_;
};

}  // namespace

std::unique_ptr<Contents> open_gguf(const fs::path& path) {
  auto source = std::make_unique<GgufFile>(path);
  const std::string container = fmt::format("GGUF v{}", source->version());
  try {
    return std::make_unique<SourceContents>(path, container, std::move(source));
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("{}: {}", path.string(), error.what()));
  }
}

std::unique_ptr<Contents> open_hf_folder(const fs::path& path) {
  return std::make_unique<SourceContents>(path, "Hugging Face folder", std::make_unique<HfSource>(path));
}

}  // namespace hone
