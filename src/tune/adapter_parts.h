// Shared by the readers of adapter files, whatever the container: tensors found for each Linear become an
// AdapterSet. Not for use outside tune/.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tune/adapter_files.h"

namespace hone {

struct FoundTensor {
  std::string name;             // in the file
  std::vector<uint64_t> shape;  // row-major; empty: not found
  const Format* format = nullptr;
  std::span<const std::byte> data;
};

struct FoundAdapter {
  std::string where;  // file, for messages
  AdapterSettings settings;
  bool hf_rows = false;  // output rows are in Hugging Face's order
  // By GGUF tensor name; one FoundTensor per key of the kind.
  std::map<std::string, std::vector<FoundTensor>> tensors;
  // Alpha of one layer, and a check of its rank; both by Hugging Face module name.
  std::function<double(const std::string& module, size_t rank)> alpha_of;
};

AdapterSet build_adapters(Model& model, const FoundAdapter& found);

// Every adaptable Linear of a model with its table row.
struct AdaptableLinear {
  const TensorRow* row;
  size_t layer;
  const Linear* linear;
};
std::vector<AdaptableLinear> adaptable_linears(const Model& model);

// The two readers. papers and notes are filled besides.
FoundAdapter read_peft(const Model& model, const std::filesystem::path& folder,
                       const class SafetensorsFile& file, AdapterPapers& papers,
                       std::vector<std::string>& notes);
FoundAdapter read_adapter_gguf(const Model& model, class GgufFile& file, AdapterPapers& papers,
                               std::vector<std::string>& notes);

// Output rows between GGUF's order and Hugging Face's, in place of nothing: `in` and `out` differ.
void reorder_rows(const TensorRow& row, const ModelConfig& config, const Tensor& in, const Tensor& out,
                  bool to_gguf);

}  // namespace hone
