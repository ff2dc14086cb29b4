// Adapters in files: PEFT folders (adapter_config.json + adapter_model.safetensors, Hugging Face names and
// row order) and llama.cpp's adapter GGUF (GGUF names and row order). hone_adapter.json beside a PEFT adapter
// says what it was trained on.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tune/adapter_set.h"

namespace hone {

// Where an adapter comes from.
struct AdapterPapers {
  std::string base_name;
  std::string base_fingerprint;     // empty: not known (made elsewhere)
  nlohmann::ordered_json training;  // settings and outcome
};

void save_peft(const AdapterSet& adapters, const AdapterPapers& papers, const std::filesystem::path& folder);
bool has_gguf_form(const AdapterKind& kind) noexcept;
// Throws kNotSupported for kinds without a GGUF form.
void save_adapter_gguf(const AdapterSet& adapters, const AdapterPapers& papers,
                       const std::filesystem::path& path);

struct LoadAdapterOptions {
  std::string fingerprint = {};  // of the model's weights
  bool ignore_base = false;      // load although the adapter was trained on other weights
};
struct LoadedAdapter {
  AdapterSet adapters;
  AdapterPapers papers;
  std::vector<std::string> notes;  // for a person: what is not known or was passed over
};
// Puts the adapter in `path` on the model: a PEFT folder, a folder written by training (with peft/ in it), or
// an adapter GGUF. Throws kNotFound, kCorruption (missing or odd tensors, shapes), kNotSupported (with the
// reason), kInvalidArgument (trained on other weights).
LoadedAdapter load_adapter(Model& model, const std::filesystem::path& path,
                           const LoadAdapterOptions& options);

// The file that holds the values of the adapter in `path`.
std::filesystem::path adapter_weights(const std::filesystem::path& path);
// Its hash, for provenance.
std::string adapter_file_hash(const std::filesystem::path& path);

}  // namespace hone
