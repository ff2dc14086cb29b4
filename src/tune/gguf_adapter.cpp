// llama.cpp's adapter GGUF: <base tensor>.lora_a (ne [in, r]) and .lora_b (ne [r, out]) in GGUF row order,
// one alpha for all. Its readers apply alpha / r, with r from the tensor, or 1 when alpha is 0.
#include <cmath>

#include "base/error.h"
#include "io/gguf.h"
#include "tune/adapter_parts.h"

namespace hone {
namespace {

constexpr const char* kFingerprintKey = "hone.base_fingerprint";
constexpr const char* kBaseNameKey = "hone.base_name";

AdapterSettings settings_of(const AdapterSet& adapters, const AdapterSet::Entry& entry) {
  AdapterSettings settings = adapters.settings();
  settings.rank = entry.rank;
  settings.alpha = entry.alpha;
  return settings;
}

}  // namespace

bool has_gguf_form(const AdapterKind& kind) noexcept {
  for (const AdapterTensorKey& key : kind.keys) {
    if (key.gguf.empty()) return false;
  }
  return true;
}

void save_adapter_gguf(const AdapterSet& adapters, const AdapterPapers& papers,
                       const std::filesystem::path& path) {
  const AdapterKind& kind = adapters.kind();
  if (!has_gguf_form(kind))
    fail(ErrorCode::kNotSupported, "{}: {} adapters have no GGUF form; use the PEFT folder, or merge",
         path.string(), kind.name);
  const AdapterSettings& settings = adapters.settings();
  // Scaling times rank: with rslora alpha * sqrt(r), because readers divide by r.
  const float alpha = static_cast<float>(adapter_scaling(settings) * static_cast<double>(settings.rank));
  Metadata metadata;
  metadata.set_string("general.type", "adapter");
  metadata.set_string("general.architecture", std::string(adapters.architecture().gguf_name));
  metadata.set_string("general.name",
                      papers.base_name.empty() ? "adapter" : "adapter of " + papers.base_name);
  metadata.set_string("adapter.type", std::string(kind.name));
  metadata.set_f32("adapter.lora.alpha", alpha);
  if (!papers.base_fingerprint.empty()) metadata.set_string(kFingerprintKey, papers.base_fingerprint);
  if (!papers.base_name.empty()) metadata.set_string(kBaseNameKey, papers.base_name);
  std::vector<TensorInfo> infos;
  for (const AdapterSet::Entry& entry : adapters.entries()) {
    const std::vector<Parameter*> parameters = entry.adapter->parameters();
    for (size_t k = 0; k < kind.keys.size(); ++k) {
      const Tensor& value = parameters[k]->value;
      infos.push_back({.name = fmt::format("{}.{}", entry.linear->name(), kind.keys[k].gguf),
                       .shape = {value.cols(), value.rows()},
                       .format = &format_of(FormatId::kF32)});
    }
  }
  GgufWriter writer(path, metadata, infos);
  for (const AdapterSet::Entry& entry : adapters.entries()) {
    // A layer whose scaling differs from alpha / r (alpha patterns) carries the difference in its second
    // matrix.
    const double wanted = adapter_scaling(settings_of(adapters, entry));
    const double applied = static_cast<double>(alpha) / static_cast<double>(entry.rank);
    const bool uniform = entry.rank == settings.rank && entry.alpha == settings.alpha;
    const std::vector<Parameter*> parameters = entry.adapter->parameters();
    for (size_t k = 0; k < kind.keys.size(); ++k) {
      Tensor value = parameters[k]->value;
      if (kind.keys[k].output_rows && !uniform) {
        value = value.clone();
        for (size_t i = 0; i < value.size(); ++i)
          value.data()[i] = static_cast<float>(value.data()[i] * (wanted / applied));
      }
      writer.write_tensor(std::as_bytes(std::span(value.data(), value.size())));
    }
  }
  writer.commit();
}

FoundAdapter read_adapter_gguf(const Model& model, GgufFile& file, AdapterPapers& papers,
                               std::vector<std::string>&) {
  const std::string where = file.description();
  const Metadata& metadata = file.metadata();
  const auto expect = [&](const char* key, std::string_view expected, const char* hint) {
    const std::string got = metadata.find_string(key).value_or("nothing");
    if (got != expected)
      fail(ErrorCode::kInvalidArgument, "{}: {}: got '{}', expected '{}'; {}", where, key, got, expected,
           hint);
  };
  expect("general.type", "adapter", "this is no adapter");
  expect("general.architecture", model.config().architecture, "take the model that the adapter was made for");
  const std::string type = metadata.string("adapter.type");
  if (type != "lora")
    fail(ErrorCode::kNotSupported, "{}: adapter.type: got '{}', expected 'lora'", where, type);
  if (metadata.find("adapter.alora.invocation_tokens") != nullptr)
    fail(ErrorCode::kNotSupported, "{}: activated LoRA is not supported", where);
  const AdapterKind& kind = adapter_kind_named(type);
  FoundAdapter found{.where = where, .settings = {}, .hf_rows = false, .tensors = {}, .alpha_of = {}};
  found.settings.kind = type;
  const double alpha = metadata.number("adapter.lora.alpha");
  if (!(alpha >= 0) || !std::isfinite(alpha))
    fail(ErrorCode::kCorruption,
         "{}: adapter.lora.alpha: got {}, expected a number of at least 0; export the "
         "adapter anew",
         where, alpha);
  papers.base_fingerprint = metadata.find_string(kFingerprintKey).value_or("");
  papers.base_name = metadata.find_string(kBaseNameKey).value_or("");
  std::map<std::string, const Linear*> linears;
  for (const AdaptableLinear& each : adaptable_linears(model)) linears[each.linear->name()] = each.linear;
  for (size_t i = 0; i < file.tensors().size(); ++i) {
    const TensorInfo& info = file.tensors()[i];
    const size_t dot = info.name.rfind('.');
    const std::string base = info.name.substr(0, dot == std::string::npos ? 0 : dot);
    size_t k = 0;
    while (k < kind.keys.size() && info.name != fmt::format("{}.{}", base, kind.keys[k].gguf)) ++k;
    if (k == kind.keys.size() || !linears.contains(base))
      fail(
          ErrorCode::kNotSupported,
          "{}: tensor '{}': expected NAME.lora_a or NAME.lora_b of one of the model's {} linear layers, like "
          "'{}.lora_a'; take the model that the adapter was made for",
          where, info.name, linears.size(), linears.begin()->first);
    if (info.shape.size() != 2)
      fail(ErrorCode::kCorruption, "{}: tensor '{}': got {} dimensions, expected 2; export the adapter anew",
           where, info.name, info.shape.size());
    auto& slots = found.tensors[base];
    slots.resize(kind.keys.size());
    slots[k] = {.name = info.name,
                .shape = {info.shape[1], info.shape[0]},
                .format = info.format,
                .data = file.data(i)};
    if (k == 0) found.settings.rank = info.shape[1];
  }
  // Ranks may differ from layer to layer; where alpha is 0, it is as if it were the rank.
  found.alpha_of = [alpha](const std::string&, size_t rank) {
    return alpha == 0 ? static_cast<double>(rank) : alpha;
  };
  found.settings.alpha = found.alpha_of("", found.settings.rank);
  return found;
}

}  // namespace hone
