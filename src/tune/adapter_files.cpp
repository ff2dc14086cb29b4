#include "tune/adapter_files.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.h"
#include "base/hash.h"
#include "io/gguf.h"
#include "io/safetensors.h"
#include "tune/adapter_parts.h"
#include "tune/targets.h"

namespace hone {
namespace {

namespace fs = std::filesystem;

fs::path peft_folder(const fs::path& path) {
  for (const fs::path& folder : {path, path / "peft"}) {
    if (fs::exists(folder / "adapter_config.json")) return folder;
  }
  fail(ErrorCode::kNotFound,
       "{}: no adapter_config.json there or in peft/; expected a PEFT folder or an adapter GGUF",
       path.string());
}

void copy_values(const FoundAdapter& found, const FoundTensor& tensor, const AdapterSet::Entry& entry,
                 const ModelConfig& config, bool output_rows, const Tensor& value) {
  const std::vector<uint64_t> expected(value.shape().begin(), value.shape().end());
  if (tensor.shape != expected)
    fail(ErrorCode::kCorruption,
         "{}: '{}': shape: got [{}], expected [{}] for {} of {} x {} at rank {}; take the model that the "
         "adapter was "
         "made for, or export it anew",
         found.where, tensor.name, fmt::join(tensor.shape, ", "), fmt::join(expected, ", "),
         entry.linear->name(), entry.linear->out_features(), entry.linear->in_features(), entry.rank);
  const Tensor read = Tensor::empty(value.shape());
  tensor.format->to_float(tensor.data.data(), read.data(), read.size());
  if (!std::all_of(read.data(), read.data() + read.size(), [](float v) { return std::isfinite(v); }))
    fail(ErrorCode::kCorruption,
         "{}: '{}': got infinite values or NaN, expected numbers; the adapter cannot be used: take an "
         "earlier one, or train it anew",
         found.where, tensor.name);
  if (output_rows && found.hf_rows) {
    reorder_rows(*entry.row, config, read, value, true);
  } else {
    std::copy_n(read.data(), read.size(), value.data());
  }
}

void check_base(const fs::path& path, const AdapterPapers& papers, const LoadAdapterOptions& options,
                std::vector<std::string>& notes) {
  const std::string& trained_on = papers.base_fingerprint;
  if (trained_on.empty()) {
    notes.push_back("the adapter does not say which weights it was trained on; only shapes were checked");
    return;
  }
  if (options.fingerprint.empty() || trained_on == options.fingerprint) return;
  if (!options.ignore_base)
    fail(ErrorCode::kInvalidArgument,
         "{}: base: the adapter was trained on weights {} ('{}'), this model's are {}; take the model it was "
         "trained on (its quantization counts), or --ignore-base",
         path.string(), trained_on, papers.base_name, options.fingerprint);
  notes.push_back("the adapter was trained on other weights; loaded all the same, as asked");
}

}  // namespace

std::vector<AdaptableLinear> adaptable_linears(const Model& model) {
  const Architecture& arch = architecture_named(model.config().architecture);
  std::vector<AdaptableLinear> all;
  model.for_each_linear([&](size_t layer, const Linear& linear) {
    const TensorRow* row = find_row(arch, linear.name());
    if (row != nullptr && row->linear) all.push_back({row, layer, &linear});
  });
  return all;
}

void reorder_rows(const TensorRow& row, const ModelConfig& config, const Tensor& in, const Tensor& out,
                  bool to_gguf) {
  if (row.order == RowOrder::kSame) {
    std::copy_n(in.data(), in.size(), out.data());
    return;
  }
  const size_t n_heads = row.order == RowOrder::kRopeQ ? config.n_heads : config.n_kv_heads;
  permute_rope_rows(reinterpret_cast<const std::byte*>(in.data()), reinterpret_cast<std::byte*>(out.data()),
                    in.rows(), in.cols() * sizeof(float), n_heads, to_gguf);
}

AdapterSet build_adapters(Model& model, const FoundAdapter& found) {
  if (found.tensors.empty()) fail(ErrorCode::kCorruption, "{}: has no adapter tensors", found.where);
  AdapterSettings settings = found.settings;
  const auto named = [&](const auto& body) -> decltype(auto) {
    try {
      return body();
    } catch (const Error& error) {
      throw Error(error.code(), fmt::format("{}: {}", found.where, error.what()));
    }
  };
  std::set<std::string> modules;
  for (const AdaptableLinear& target : adaptable_linears(model)) {
    if (found.tensors.contains(target.linear->name())) modules.emplace(short_hf_name(*target.row));
  }
  settings.targets.assign(modules.begin(), modules.end());
  AdapterSet set = named([&] { return AdapterSet(model, settings); });
  const std::span<const AdapterTensorKey> keys = set.kind().keys;
  Rng unused(0);
  model.for_each_linear([&](size_t layer, Linear& linear) {
    const auto tensors = found.tensors.find(linear.name());
    if (tensors == found.tensors.end()) return;
    const TensorRow& row = *find_row(set.architecture(), linear.name());
    const std::string module = hf_module_name(row, layer);
    for (size_t k = 0; k < keys.size(); ++k) {
      if (tensors->second[k].shape.empty())
        fail(ErrorCode::kCorruption, "{}: {} ({}) has '{}' but its {} is missing; export the adapter anew",
             found.where, module, linear.name(), tensors->second[k == 0 ? 1 : 0].name,
             found.hf_rows ? keys[k].peft : keys[k].gguf);
    }
    const size_t rank = tensors->second[0].shape[0];
    const double alpha = found.alpha_of(module, rank);
    const AdapterSet::Entry& entry =
        named([&]() -> const AdapterSet::Entry& { return set.add(layer, row, linear, rank, alpha, unused); });
    const std::vector<Parameter*> parameters = entry.adapter->parameters();
    for (size_t k = 0; k < keys.size(); ++k)
      copy_values(found, tensors->second[k], entry, model.config(), keys[k].output_rows,
                  parameters[k]->value);
  });
  return set;
}

LoadedAdapter load_adapter(Model& model, const fs::path& path, const LoadAdapterOptions& options) {
  if (!fs::exists(path)) fail(ErrorCode::kNotFound, "{}: no such adapter", path.string());
  AdapterPapers papers;
  std::vector<std::string> notes;
  // The files stay mapped until the values are copied.
  const auto finish = [&](const FoundAdapter& found) -> LoadedAdapter {
    check_base(path, papers, options, notes);
    try {
      return {.adapters = build_adapters(model, found), .papers = papers, .notes = notes};
    } catch (...) {
      model.for_each_linear([](size_t, Linear& linear) { linear.set_adapter(nullptr); });
      throw;
    }
  };
  if (!fs::is_directory(path)) {
    GgufFile file(path);
    return finish(read_adapter_gguf(model, file, papers, notes));
  }
  const fs::path folder = peft_folder(path);
  const SafetensorsFile file(adapter_weights(path));
  return finish(read_peft(model, folder, file, papers, notes));
}

fs::path adapter_weights(const fs::path& path) {
  return fs::is_directory(path) ? peft_folder(path) / "adapter_model.safetensors" : path;
}

std::string adapter_file_hash(const fs::path& path) {
  return hash_file(adapter_weights(path));
}

}  // namespace hone
