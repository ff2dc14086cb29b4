// The choice of container.
#include "inspect/contents.h"

#include "models/store.h"

namespace hone {

namespace fs = std::filesystem;

std::unique_ptr<Contents> open_contents(const std::string& argument) {
  const fs::path path = find_model(argument);
  if (!fs::is_directory(path))
    return path.extension() == ".safetensors" ? open_safetensors(path) : open_gguf(path);
  for (const fs::path& folder : {path, path / "peft"})
    if (fs::exists(folder / "adapter_config.json")) return open_peft(folder);
  return open_hf_folder(path);
}

}  // namespace hone
