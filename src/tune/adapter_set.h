// The adapters of one model: which Linears carry one, with what settings. Files are adapter_files.h.
#pragma once

#include <memory>
#include <vector>

#include "models/architecture.h"
#include "models/model.h"
#include "tune/adapters/adapter.h"

namespace hone {

class AdapterSet {
 public:
  struct Entry {
    size_t layer = 0;
    const TensorRow* row = nullptr;
    Linear* linear = nullptr;
    std::shared_ptr<LinearAdapter> adapter;
    size_t rank = 0;  // as settings, unless a loaded file says otherwise for this layer
    double alpha = 0;
  };

  // An empty set for a model whose earlier adapters, if any, are taken off. The model must outlive the set.
  AdapterSet(Model& model, const AdapterSettings& settings);
  // Fresh adapters on the layers that settings.targets names.
  static AdapterSet create(Model& model, const AdapterSettings& settings);

  // Puts a fresh adapter on one Linear.
  Entry& add(size_t layer, const TensorRow& row, Linear& linear, size_t rank, double alpha, Rng& rng);
  void detach();

  const std::vector<Entry>& entries() const noexcept { return entries_; }
  const AdapterSettings& settings() const noexcept { return settings_; }
  const AdapterKind& kind() const noexcept { return *kind_; }
  const Architecture& architecture() const noexcept { return *arch_; }
  const ModelConfig& config() const noexcept { return model_->config(); }
  AdapterPhase& phase() noexcept { return *phase_; }
  std::vector<Parameter*> parameters() const;
  uint64_t n_parameters() const;

  // Copies of all parameter values, in order of parameters(), and back.
  std::vector<Tensor> snapshot() const;
  void restore(const std::vector<Tensor>& values);

 private:
  Model* model_;
  AdapterSettings settings_;
  const AdapterKind* kind_;
  const Architecture* arch_;
  std::shared_ptr<AdapterPhase> phase_;
  std::vector<Entry> entries_;
};

}  // namespace hone
