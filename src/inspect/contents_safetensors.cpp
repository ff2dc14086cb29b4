// Bare safetensors files, and PEFT folders: adapter_config.json beside one.
#include <algorithm>

#include "base/error.h"
#include "base/hash.h"
#include "inspect/contents.h"
#include "inspect/roles.h"
#include "io/safetensors.h"
#include "models/config_reader.h"

namespace hone {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// Values of a JSON object as metadata; objects inside become "outer.inner".
void add_json(const std::string& prefix, const json& object, Metadata& out) {
  for (const auto& [key, value] : object.items()) {
    const std::string name = prefix + key;
    const auto is_string = [](const json& item) { return item.is_string(); };
    if (value.is_object() && !value.empty()) {
      add_json(name + ".", value, out);
    } else if (value.is_string()) {
      out.set_string(name, value.get<std::string>());
    } else if (value.is_boolean()) {
      out.set_bool(name, value.get<bool>());
    } else if (value.is_number_unsigned()) {
      out.set_u64(name, value.get<uint64_t>());
    } else if (value.is_number()) {
      out.set(name, {MetaType::kF64, value.get<double>()});
    } else if (value.is_array() && !value.empty() && std::all_of(value.begin(), value.end(), is_string)) {
      out.set_strings(name, value.get<std::vector<std::string>>());
    } else {
      out.set_string(name, value.dump());  // null, {}, [], and arrays of other things
    }
  }
}

class SafetensorsContents final : public Contents {
 public:
  SafetensorsContents(const fs::path& shown, const fs::path& tensor_file) : file_(tensor_file) {
    path = shown;
    container = "safetensors";
    kind = "tensors";
    file_bytes = file_.file().bytes().size();
    for (const auto& [key, value] : file_.metadata()) metadata.set_string(key, value);
    for (const SafeTensor& tensor : file_.tensors()) add(tensor);
  }

  std::span<const std::byte> data(size_t i) override { return file_.tensors()[i].data; }
  void release(size_t i) override { file_.file().release(file_.tensors()[i].data); }
  std::string hash() override { return hash_file(file_.file().path()); }

 private:
  void add(const SafeTensor& tensor) {
    TensorEntry entry;
    entry.name = tensor.name;
    entry.shape.assign(tensor.shape.rbegin(), tensor.shape.rend());
    entry.decoder = format_of_dtype(tensor.dtype);
    entry.format = tensor.dtype;
    std::transform(entry.format.begin(), entry.format.end(), entry.format.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    entry.n_elements = 1;
    for (const uint64_t d : entry.shape) entry.n_elements *= d;
    entry.n_bytes = tensor.data.size();
    entry.role = role_of("", tensor.name);
    if (adapter_matrix(tensor.name) == 'a' && entry.shape.size() == 2) ranks.insert(entry.shape[1]);
    tensors.push_back(std::move(entry));
  }

  SafetensorsFile file_;
};

}  // namespace

std::unique_ptr<Contents> open_safetensors(const fs::path& path) {
  return std::make_unique<SafetensorsContents>(path, path);
}

std::unique_ptr<Contents> open_peft(const fs::path& folder) {
  auto contents = std::make_unique<SafetensorsContents>(folder, folder / "adapter_model.safetensors");
  contents->container = "PEFT folder";
  contents->kind = "adapter";
  add_json("", read_json_object(folder / "adapter_config.json"), contents->metadata);
  const fs::path own = folder / "hone_adapter.json";
  if (fs::exists(own)) add_json("hone.", read_json_object(own), contents->metadata);
  contents->name = contents->metadata.find_string("base_model_name_or_path").value_or("");
  return contents;
}

}  // namespace hone
