// Writes PEFT folders that PEFT, vLLM and others load: f32, Hugging Face names and row order.
#include <map>
#include <set>

#include "base/atomic_file.h"
#include "base/error.h"
#include "io/safetensors.h"
#include "tune/adapter_parts.h"
#include "tune/targets.h"

namespace hone {
namespace {

using nlohmann::ordered_json;

ordered_json peft_config(const AdapterSet& adapters, const AdapterPapers& papers) {
  const AdapterSettings& settings = adapters.settings();
  // A short name stands for the module in every layer.
  std::map<const TensorRow*, size_t> n_layers;
  for (const AdapterSet::Entry& entry : adapters.entries()) ++n_layers[entry.row];
  std::set<std::string> targets;
  ordered_json ranks = ordered_json::object(), alphas = ordered_json::object();
  for (const AdapterSet::Entry& entry : adapters.entries()) {
    const std::string module = hf_module_name(*entry.row, entry.layer);
    const bool everywhere = n_layers[entry.row] == adapters.config().n_layers;
    targets.insert(everywhere ? std::string(short_hf_name(*entry.row)) : module);
    if (entry.rank != settings.rank) ranks[module] = entry.rank;
    if (entry.alpha != settings.alpha) alphas[module] = entry.alpha;
  }
  // PEFT calls alpha an int; a whole number is written as one.
  const auto whole = static_cast<int64_t>(settings.alpha);
  const ordered_json alpha =
      static_cast<double>(whole) == settings.alpha ? ordered_json(whole) : ordered_json(settings.alpha);
  return {
      {"alpha_pattern", alphas},
      {"auto_mapping", nullptr},
      {"base_model_name_or_path", papers.base_name},
      {"bias", "none"},
      {"fan_in_fan_out", false},
      {"inference_mode", true},
      {"init_lora_weights", true},
      {"layers_pattern", nullptr},
      {"layers_to_transform", nullptr},
      {"lora_alpha", alpha},
      {"lora_dropout", settings.dropout},
      {"modules_to_save", nullptr},
      {"peft_type", adapters.kind().peft_type},
      {"r", settings.rank},
      {"rank_pattern", ranks},
      {"revision", nullptr},
      {"target_modules", targets},
      {"task_type", "CAUSAL_LM"},
      {"use_dora", false},
      {"use_rslora", settings.rslora},
  };
}

// Paths may hold bytes that are not UTF-8; they must not stop a save.
void write_json(const std::filesystem::path& path, const ordered_json& json) {
  write_file(path, json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n");
}

}  // namespace

void save_peft(const AdapterSet& adapters, const AdapterPapers& papers, const std::filesystem::path& folder) {
  make_directories(folder);
  std::vector<Tensor> values;  // in Hugging Face order; kept until written
  std::vector<SafeTensor> tensors;
  const std::span<const AdapterTensorKey> keys = adapters.kind().keys;
  for (const AdapterSet::Entry& entry : adapters.entries()) {
    const std::vector<Parameter*> parameters = entry.adapter->parameters();
    for (size_t k = 0; k < keys.size(); ++k) {
      Tensor value = parameters[k]->value;
      if (keys[k].output_rows) {
        value = Tensor::empty(value.shape());
        reorder_rows(*entry.row, adapters.config(), parameters[k]->value, value, false);
      }
      values.push_back(value);
      tensors.push_back({.name = fmt::format("base_model.model.{}.{}",
                                             hf_module_name(*entry.row, entry.layer), keys[k].peft),
                         .dtype = "F32",
                         .shape = {value.shape().begin(), value.shape().end()},
                         .data = std::as_bytes(std::span(value.data(), value.size()))});
    }
  }
  write_safetensors(folder / "adapter_model.safetensors", tensors, {{"format", "pt"}});
  write_json(folder / "adapter_config.json", peft_config(adapters, papers));
  const ordered_json own = {{"hone_adapter", 1},
                            {"kind", adapters.kind().name},
                            {"architecture", adapters.architecture().gguf_name},
                            {"base", papers.base_name},
                            {"base_fingerprint", papers.base_fingerprint},
                            {"training", papers.training}};
  write_json(folder / "hone_adapter.json", own);
}

}  // namespace hone
