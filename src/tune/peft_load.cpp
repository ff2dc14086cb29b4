// Reads PEFT folders: what the configuration says is checked against the tensors that are there.
#include <algorithm>
#include <cmath>

#include "base/atomic_file.h"
#include "base/error.h"
#include "io/safetensors.h"
#include "models/config_reader.h"
#include "tune/adapter_parts.h"
#include "tune/targets.h"

namespace hone {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::string_view kPrefix = "base_model.model.";

bool is_set(const json& value) {
  if (value.is_boolean()) return value.get<bool>();
  return !value.is_null() && !(value.is_structured() && value.empty());
}

// Settings that change what the adapter computes, or what it holds besides low-rank matrices.
void refuse_unsupported(const json& config, const std::string& where) {
  struct Refused {
    const char* key;
    const char* reason;
  };
  static constexpr Refused kRefused[] = {
      {"use_dora", "DoRA adapters are not supported"},
      {"modules_to_save", "whole modules saved beside the adapter are not supported"},
      {"fan_in_fan_out", "weights stored transposed are not supported"},
      {"lora_bias", "biases in the adapter are not supported"},
      {"layer_replication", "models with replicated layers are not supported"},
      {"trainable_token_indices", "trained token embeddings are not supported"},
      {"target_parameters", "adapters on bare parameters are not supported"},
      {"alora_invocation_tokens", "activated LoRA is not supported"},
      {"use_qalora", "QA-LoRA is not supported"},
  };
  for (const Refused& refused : kRefused) {
    if (config.contains(refused.key) && is_set(config[refused.key]))
      fail(ErrorCode::kNotSupported, "{}: {} is {}: {}", where, refused.key, config[refused.key].dump(),
           refused.reason);
  }
  // These change the base's weights when the adapter is loaded (PiSSA, OLoRA, CorDA, LoftQ …).
  if (const auto init = config.find("init_lora_weights"); init != config.end() && init->is_string()) {
    static constexpr std::string_view kPlain[] = {"gaussian", "eva", "orthogonal"};
    if (std::find(std::begin(kPlain), std::end(kPlain), init->get_ref<const std::string&>()) ==
        std::end(kPlain))
      fail(ErrorCode::kNotSupported,
           "{}: init_lora_weights: got {}, which changes the base as well; save the adapter as plain LoRA "
           "(PEFT: save_pretrained with path_initial_model_for_weight_conversion)",
           where, init->dump());
  }
  const std::string bias = config.value("bias", "none");
  if (bias != "none")
    fail(ErrorCode::kNotSupported, "{}: bias: got '{}', expected 'none': trained biases are not supported",
         where, bias);
  if (config.contains("task_type") && config["task_type"].is_string() && config["task_type"] != "CAUSAL_LM")
    fail(ErrorCode::kNotSupported, "{}: task_type: got {}, expected \"CAUSAL_LM\"", where,
         config["task_type"].dump());
}

// PEFT matches a pattern key as a regular expression against the end of the module's name, at a dot. Taken
// here as plain text with escaped dots, which is what PEFT's own tools write; anything richer is refused, not
// guessed.
bool pattern_matches(const std::string& where, const std::string& key, std::string_view module) {
  std::string plain;
  const bool anchored = key.starts_with('^');
  for (size_t i = anchored ? 1 : 0; i < key.size(); ++i) {
    if (key[i] == '\\' && i + 1 < key.size() && key[i + 1] == '.') continue;
    if (key[i] == '$' && i + 1 == key.size()) continue;
    if (std::string_view("\\^$*+?()[]{}|").find(key[i]) != std::string_view::npos)
      fail(ErrorCode::kNotSupported,
           "{}: pattern '{}': regular expressions are not supported here; name the modules", where, key);
    plain += key[i];
  }
  if (module == plain) return true;
  return !anchored && module.size() > plain.size() && module.ends_with(plain) &&
         module[module.size() - plain.size() - 1] == '.';
}

double pattern_value(const ordered_json& config, const char* pattern, const std::string& where,
                     const std::string& module, double otherwise) {
  if (!config.contains(pattern) || config[pattern].is_null()) return otherwise;
  for (const auto& [key, value] : config[pattern].items()) {
    if (pattern_matches(where, key, module)) return value.get<double>();
  }
  return otherwise;
}

// The patterns in the file's order, which nlohmann::json does not keep; nothing else of it.
ordered_json ordered_patterns(const fs::path& path, const json& config) {
  constexpr size_t kMaxPatterns = 16384;  // each is looked for among those before it
  for (const char* key : {"rank_pattern", "alpha_pattern"})
    if (config.contains(key) && config[key].size() > kMaxPatterns)
      fail(ErrorCode::kCorruption, "{}: {}: got {} patterns, expected at most {}", path.string(), key,
           config[key].size(), kMaxPatterns);
  const auto wanted = [](int depth, ordered_json::parse_event_t event, const ordered_json& value) {
    return depth != 1 || event != ordered_json::parse_event_t::key || value == "rank_pattern" ||
           value == "alpha_pattern";
  };
  return ordered_json::parse(read_file(path), wanted);
}

// A list of target modules promises tensors for each layer it names.
void check_targets(const Model& model, const json& config, const FoundAdapter& found) {
  for (const char* key : {"layers_to_transform", "exclude_modules"}) {
    if (config.contains(key) && is_set(config[key])) return;
  }
  if (!config.contains("target_modules") || !config["target_modules"].is_array()) return;
  for (const json& target : config["target_modules"]) {
    const std::string name = target.get<std::string>();
    for (const AdaptableLinear& each : adaptable_linears(model)) {
      const std::string module = hf_module_name(*each.row, each.layer);
      const bool named = module == name || module.ends_with("." + name);
      if (named && !found.tensors.contains(each.linear->name()))
        fail(ErrorCode::kCorruption, "{}: target_modules names '{}', but there is no tensor '{}{}.{}'",
             found.where, name, kPrefix, module, adapter_kind_named(found.settings.kind).keys[0].peft);
    }
  }
}

void collect_tensors(const Model& model, const SafetensorsFile& file, const AdapterKind& kind,
                     FoundAdapter& found) {
  std::map<std::string, const Linear*> modules;
  for (const AdaptableLinear& each : adaptable_linears(model))
    modules[hf_module_name(*each.row, each.layer)] = each.linear;
  for (const SafeTensor& tensor : file.tensors()) {
    const auto place = [&]() -> FoundTensor* {
      std::string_view name = tensor.name;
      if (!name.starts_with(kPrefix)) return nullptr;
      name.remove_prefix(kPrefix.size());
      for (size_t k = 0; k < kind.keys.size(); ++k) {
        const std::string suffix = "." + std::string(kind.keys[k].peft);
        if (!name.ends_with(suffix)) continue;
        const auto module = modules.find(std::string(name.substr(0, name.size() - suffix.size())));
        if (module == modules.end()) return nullptr;
        auto& slots = found.tensors[module->second->name()];
        slots.resize(kind.keys.size());
        return &slots[k];
      }
      return nullptr;
    }();
    if (place == nullptr)
      fail(ErrorCode::kNotSupported,
           "{}: tensor '{}': expected {}model.layers.N.….{} of one of the model's {} linear layers",
           found.where, tensor.name, kPrefix, kind.keys[0].peft, modules.size());
    const Format* format = format_of_dtype(tensor.dtype);
    if (format == nullptr)
      fail(ErrorCode::kNotSupported, "{}: tensor '{}': got {}, expected F32, F16 or BF16", found.where,
           tensor.name, tensor.dtype);
    if (tensor.shape.size() != 2)
      fail(ErrorCode::kCorruption, "{}: tensor '{}': got {} dimensions, expected 2", found.where, tensor.name,
           tensor.shape.size());
    *place = {.name = tensor.name, .shape = tensor.shape, .format = format, .data = tensor.data};
  }
}

void read_papers(const fs::path& folder, const json& config, AdapterPapers& papers) {
  if (config.contains("base_model_name_or_path") && config["base_model_name_or_path"].is_string())
    papers.base_name = config["base_model_name_or_path"].get<std::string>();
  const fs::path path = folder / "hone_adapter.json";
  if (!fs::exists(path)) return;
  const json own = read_json_object(path);
  try {
    papers.base_fingerprint = own.at("base_fingerprint").get<std::string>();
    papers.training = own.value("training", nlohmann::ordered_json());
  } catch (const json::exception& problem) {
    fail(ErrorCode::kCorruption, "{}: {}", path.string(), problem.what());
  }
}

}  // namespace

FoundAdapter read_peft(const Model& model, const fs::path& folder, const SafetensorsFile& file,
                       AdapterPapers& papers, std::vector<std::string>&) {
  const fs::path config_path = folder / "adapter_config.json";
  const json config = read_json_object(config_path);
  const std::string config_where = config_path.string();
  FoundAdapter found{
      .where = file.file().path().string(), .settings = {}, .hf_rows = true, .tensors = {}, .alpha_of = {}};
  try {
    const std::string type = config.at("peft_type").get<std::string>();
    const AdapterKind* kind = adapter_kind_of_peft(type);
    if (kind == nullptr)
      fail(ErrorCode::kNotSupported, "{}: peft_type: got '{}', expected LORA", config_where, type);
    refuse_unsupported(config, config_where);
    const int64_t rank = config.at("r").get<int64_t>();
    if (rank < 1) fail(ErrorCode::kCorruption, "{}: r: got {}, expected at least 1", config_where, rank);
    found.settings.kind = kind->name;
    found.settings.rank = static_cast<size_t>(rank);
    found.settings.alpha = config.at("lora_alpha").get<double>();
    found.settings.dropout = config.value("lora_dropout", 0.0);
    found.settings.rslora = config.value("use_rslora", false);
    collect_tensors(model, file, *kind, found);
    check_targets(model, config, found);
    read_papers(folder, config, papers);
  } catch (const json::exception& problem) {
    fail(ErrorCode::kCorruption, "{}: {}", config_where, problem.what());
  }
  // Of several patterns that match a module the file's first counts.
  found.alpha_of = [config = ordered_patterns(config_path, config), config_where, settings = found.settings](
                       const std::string& module, size_t rank) {
    try {
      const double said =
          pattern_value(config, "rank_pattern", config_where, module, static_cast<double>(settings.rank));
      if (said != static_cast<double>(rank))
        fail(ErrorCode::kCorruption, "{}: rank of {}: got tensors of rank {}, expected {}", config_where,
             module, rank, said);
      return pattern_value(config, "alpha_pattern", config_where, module, settings.alpha);
    } catch (const json::exception& problem) {
      fail(ErrorCode::kCorruption, "{}: {}", config_where, problem.what());
    }
  };
  return found;
}

}  // namespace hone
