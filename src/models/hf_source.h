// A Hugging Face folder (config.json, safetensors, tokenizer.json) seen as a GGUF model: GGUF names, shapes
// and row order, hyperparameters and tokenizer as GGUF metadata. Weights stay on disk until asked for;
// nothing is rewritten but the rows of attn_q and attn_k and vectors, which GGUF keeps in f32.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "io/safetensors.h"
#include "io/weight_source.h"
#include "models/architecture.h"

namespace hone {

class HfSource final : public WeightSource {
 public:
  // Throws kNotFound (a file of the folder), kCorruption (naming file and key), kNotSupported (model type,
  // variant, quantized checkpoints, tensors that the architecture does not have).
  explicit HfSource(const std::filesystem::path& folder);

  const Metadata& metadata() const override { return metadata_; }
  const std::vector<TensorInfo>& tensors() const override { return tensors_; }
  std::span<const std::byte> data(size_t i) override;
  void release(size_t i) override;
  std::string description() const override { return folder_.string(); }
  uint64_t file_bytes() const override;

  const TokenizerData& tokenizer() const noexcept { return tokenizer_; }
  const std::string& chat_template() const noexcept { return chat_template_; }

 private:
  // Where a GGUF tensor's bytes come from: a file's tensor, or numbers computed here.
  struct Item {
    const SafetensorsFile* file = nullptr;
    const SafeTensor* tensor = nullptr;
    size_t n_rope_heads = 0;  // rows are permuted per head when not 0
    float offset = 0;         // added to a vector's values
    std::vector<float> computed;
  };

  void open_weights();
  void open_shards(const std::filesystem::path& index);
  void plan_tensors(const Architecture& arch, const ModelConfig& config);
  void add_tensor(const Architecture& arch, const TensorRow& row, size_t layer, const ModelConfig& config);
  void add_rope_factors(RopeFactors factors);
  bool is_tied_copy(const Architecture& arch, const TensorRow& row, const ModelConfig& config) const;
  void refuse_leftovers(const Architecture& arch, const ModelConfig& config) const;
  void read_tokenizer(const nlohmann::json& config, size_t n_vocab);
  void read_chat_template();
  const Item* item_of_hf(const std::string& name) const;

  std::filesystem::path folder_;
  Metadata metadata_;
  TokenizerData tokenizer_;
  std::string chat_template_;
  std::vector<std::unique_ptr<SafetensorsFile>> files_;
  std::map<std::string, Item, std::less<>> hf_tensors_;  // by Hugging Face name
  std::vector<TensorInfo> tensors_;
  std::vector<Item> items_;
  std::vector<std::byte> buffer_;
};

}  // namespace hone
