// Reading a Hugging Face folder; see hf_source.h. The tokenizer and the chat template are in hf_text.cpp.
#include "models/hf_source.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <unordered_set>

#include "base/error.h"
#include "models/config_reader.h"

namespace hone {
namespace fs = std::filesystem;
namespace {

// Buffers of old checkpoints that follow from the config.
bool is_derived(std::string_view name) {
  return name.ends_with("rotary_emb.inv_freq") || name.ends_with("self_attn.bias") ||
         name.ends_with("self_attn.masked_bias");
}

std::vector<uint64_t> hf_shape(const TensorRow& row, const ModelConfig& config) {
  if (row.rows == Dim::kNone) return {resolve(row.cols, config)};
  return {resolve(row.rows, config), resolve(row.cols, config)};
}

std::string shape_text(const std::vector<uint64_t>& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

// file_type of the format that holds most weights.
uint32_t dominant_file_type(const std::vector<TensorInfo>& tensors) {
  std::map<const Format*, uint64_t> n_elements;
  for (const TensorInfo& info : tensors)
    if (info.shape.size() > 1) n_elements[info.format] += info.n_elements();
  const auto most = std::max_element(n_elements.begin(), n_elements.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == n_elements.end() ? 0 : most->first->file_type;
}

const Architecture& architecture_of(const nlohmann::json& config) {
  if (json_find(config, "quantization_config") != nullptr)
    fail(ErrorCode::kNotSupported,
         "quantization_config: hone reads Hugging Face folders in f32, f16 and bf16; start from the original "
         "model");
  const Architecture& arch = architecture_of_hf(json_string(config, "model_type"));
  const nlohmann::json* classes = json_find(config, "architectures");
  if (classes != nullptr && classes->is_array() && !classes->empty() && classes->front().is_string()) {
    const auto name = classes->front().get<std::string>();
    if (!name.ends_with("ForCausalLM"))
      fail(ErrorCode::kNotSupported,
           "architectures: got '{}', expected a causal language model (…ForCausalLM)", name);
  }
  return arch;
}

}  // namespace

HfSource::HfSource(const fs::path& folder) : folder_(folder) {
  const fs::path config_path = folder / "config.json";
  const nlohmann::json config = read_json_object(config_path);
  const Architecture* arch = nullptr;
  ModelConfig parsed;
  std::vector<RopeFactors> rope_factors;
  try {
    arch = &architecture_of(config);
    metadata_.set_string("general.architecture", std::string(arch->gguf_name));
    metadata_.set_string("general.type", "model");
    const fs::path name = fs::weakly_canonical(folder).filename();
    metadata_.set_string("general.name", name.empty() ? "model" : name.string());
    arch->metadata_from_hf(config, metadata_);
    parsed = arch->config_from_gguf(metadata_);
    if (arch->rope_factors_from_hf != nullptr) rope_factors = arch->rope_factors_from_hf(config);
    parsed.tied_embeddings = json_bool(config, "tie_word_embeddings", arch->tied_by_default);
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("{}: {}", config_path.string(), error.what()));
  }
  open_weights();
  plan_tensors(*arch, parsed);
  for (RopeFactors& factors : rope_factors) add_rope_factors(std::move(factors));
  metadata_.set_u32("general.file_type", dominant_file_type(tensors_));
  read_tokenizer(config, parsed.n_vocab);
  read_chat_template();
}

void HfSource::open_weights() {
  const fs::path single = folder_ / "model.safetensors", index = folder_ / "model.safetensors.index.json";
  if (fs::exists(single)) {
    files_.push_back(std::make_unique<SafetensorsFile>(single));
  } else if (fs::exists(index)) {
    open_shards(index);
  } else {
    fail(ErrorCode::kNotFound,
         "{}: no model.safetensors and no model.safetensors.index.json; hone reads weights from safetensors "
         "only",
         folder_.string());
  }
  for (const auto& file : files_) {
    for (const SafeTensor& tensor : file->tensors()) {
      Item item;
      item.file = file.get();
      item.tensor = &tensor;
      if (!hf_tensors_.emplace(tensor.name, std::move(item)).second)
        fail(ErrorCode::kCorruption, "{}: tensor '{}': in two files", folder_.string(), tensor.name);
    }
  }
}

void HfSource::open_shards(const fs::path& index) {
  const nlohmann::json json = read_json_object(index);
  const nlohmann::json* map = json_find(json, "weight_map");
  if (map == nullptr || !map->is_object() || map->empty())
    fail(ErrorCode::kCorruption, "{}: weight_map: expected an object of tensor names and files",
         index.string());
  std::map<std::string, std::vector<std::string>> by_file;
  for (const auto& [tensor, file] : map->items()) {
    if (!file.is_string())
      fail(ErrorCode::kCorruption, "{}: weight_map: '{}': expected a file name", index.string(), tensor);
    by_file[file.get<std::string>()].push_back(tensor);
  }
  for (const auto& [name, tensors] : by_file) {
    // An index must not reach outside its folder.
    if (name.find('/') != std::string::npos || name.find('\0') != std::string::npos ||
        !name.ends_with(".safetensors"))
      fail(ErrorCode::kCorruption,
           "{}: weight_map: got file '{}', expected a .safetensors file of this folder", index.string(),
           name);
    files_.push_back(std::make_unique<SafetensorsFile>(folder_ / name));
    std::unordered_set<std::string_view> there;
    for (const SafeTensor& tensor : files_.back()->tensors()) there.insert(tensor.name);
    for (const std::string& tensor : tensors)
      if (!there.contains(tensor))
        fail(ErrorCode::kCorruption, "{}: weight_map: '{}' is not in {}", index.string(), tensor, name);
  }
}

const HfSource::Item* HfSource::item_of_hf(const std::string& name) const {
  const auto at = hf_tensors_.find(name);
  return at == hf_tensors_.end() ? nullptr : &at->second;
}

void HfSource::plan_tensors(const Architecture& arch, const ModelConfig& config) {
  for (const TensorRow& row : arch.tensors)
    if (!row.per_layer) add_tensor(arch, row, 0, config);
  for (size_t layer = 0; layer < config.n_layers; ++layer)
    for (const TensorRow& row : arch.tensors)
      if (row.per_layer) add_tensor(arch, row, layer, config);
  refuse_leftovers(arch, config);
}

// Whether a tied model's file repeats the embeddings as its vocabulary projection. A file whose two matrices
// differ is believed, as transformers does.
bool HfSource::is_tied_copy(const Architecture& arch, const TensorRow& row, const ModelConfig& config) const {
  if (row.role != TensorRole::kOutput || !config.tied_embeddings) return false;
  const Item* head = item_of_hf(std::string(row.hf));
  const Item* embeddings = nullptr;
  for (const TensorRow& other : arch.tensors)
    if (other.role == TensorRole::kTokenEmbd) embeddings = item_of_hf(std::string(other.hf));
  if (head == nullptr || embeddings == nullptr || head->tensor->dtype != embeddings->tensor->dtype)
    return false;
  return head->tensor->data.size() == embeddings->tensor->data.size() &&
         std::memcmp(head->tensor->data.data(), embeddings->tensor->data.data(), head->tensor->data.size()) ==
             0;
}

void HfSource::add_tensor(const Architecture& arch, const TensorRow& row, size_t layer,
                          const ModelConfig& config) {
  if (row.hf.empty() || is_tied_copy(arch, row, config)) return;
  const std::string name = hf_name(row, layer);
  const Item* found = item_of_hf(name);
  if (found == nullptr) {
    const bool untied_head = row.role == TensorRole::kOutput && !config.tied_embeddings;
    if (!row.required && !untied_head) return;
    fail(ErrorCode::kCorruption, "{}: tensor '{}': missing from the safetensors files{}", folder_.string(),
         name, untied_head ? "; config.json does not say tie_word_embeddings" : "");
  }
  const SafeTensor& tensor = *found->tensor;
  const Format* format = format_of_dtype(tensor.dtype);
  if (format == nullptr)
    fail(ErrorCode::kNotSupported, "{}: tensor '{}': dtype: got {}, hone reads: F32, F16, BF16",
         folder_.string(), name, tensor.dtype);
  const std::vector<uint64_t> expected = hf_shape(row, config);
  if (tensor.shape != expected)
    fail(ErrorCode::kCorruption, "{}: tensor '{}': shape: got {}, config.json implies {}", folder_.string(),
         name, shape_text(tensor.shape), shape_text(expected));
  TensorInfo info;
  info.name = gguf_name(row, layer);
  info.shape.assign(expected.rbegin(), expected.rend());
  info.format = expected.size() == 1 ? &format_of(FormatId::kF32) : format;
  Item item = *found;
  item.offset = row.offset;
  if (row.order == RowOrder::kRopeQ) item.n_rope_heads = config.n_heads;
  if (row.order == RowOrder::kRopeK) item.n_rope_heads = config.n_kv_heads;
  tensors_.push_back(std::move(info));
  items_.push_back(std::move(item));
}

void HfSource::refuse_leftovers(const Architecture& arch, const ModelConfig& config) const {
  std::set<std::string_view> used;
  for (const Item& item : items_) used.insert(item.tensor->name);
  std::vector<std::string_view> leftovers;
  for (const auto& [name, item] : hf_tensors_) {
    const bool head = std::any_of(
        arch.tensors.begin(), arch.tensors.end(),
        [&name = name](const TensorRow& row) { return row.role == TensorRole::kOutput && row.hf == name; });
    if (!used.contains(name) && !is_derived(name) && !(head && config.tied_embeddings))
      leftovers.push_back(name);
  }
  if (leftovers.empty()) return;
  const size_t n = leftovers.size();
  if (n > 4) leftovers.resize(4);
  fail(ErrorCode::kNotSupported,
       "{}: {} tensors that the architecture '{}' with {} layers does not have: {}{}; the model is a variant "
       "that hone "
       "does not know",
       folder_.string(), n, arch.gguf_name, config.n_layers, fmt::join(leftovers, ", "), n > 4 ? ", …" : "");
}

void HfSource::add_rope_factors(RopeFactors factors) {
  TensorInfo info;
  info.name = factors.tensor;
  info.shape = {factors.values.size()};
  info.format = &format_of(FormatId::kF32);
  Item item;
  item.computed = std::move(factors.values);
  tensors_.push_back(std::move(info));
  items_.push_back(std::move(item));
}

std::span<const std::byte> HfSource::data(size_t i) {
  HONE_CHECK(i < items_.size(), "i={} n={}", i, items_.size());
  const Item& item = items_[i];
  const TensorInfo& info = tensors_[i];
  if (item.tensor == nullptr) return std::as_bytes(std::span(item.computed));
  const std::span<const std::byte> bytes = item.tensor->data;
  const Format* stored = format_of_dtype(item.tensor->dtype);
  if (stored != info.format || item.offset != 0) {  // a vector, which GGUF keeps in f32
    buffer_.resize(info.n_bytes());
    std::vector<float> values(info.n_elements());
    stored->to_float(bytes.data(), values.data(), values.size());
    for (float& value : values) value += item.offset;
    std::memcpy(buffer_.data(), values.data(), buffer_.size());
    return buffer_;
  }
  if (item.n_rope_heads == 0) return bytes;
  buffer_.resize(bytes.size());
  const size_t rows = info.shape[1];
  permute_rope_rows(bytes.data(), buffer_.data(), rows, bytes.size() / rows, item.n_rope_heads, true);
  return buffer_;
}

void HfSource::release(size_t i) {
  const Item& item = items_[i];
  if (item.tensor != nullptr) item.file->file().release(item.tensor->data);
}

uint64_t HfSource::file_bytes() const {
  uint64_t total = 0;
  for (const auto& file : files_) total += file->file().bytes().size();
  return total;
}

}  // namespace hone
