#include "tune/adapter_set.h"

#include <algorithm>

#include "base/error.h"
#include "tune/targets.h"

namespace hone {

AdapterSet::AdapterSet(Model& model, const AdapterSettings& settings)
    : model_(&model),
      settings_(settings),
      kind_(&adapter_kind_named(settings.kind)),
      arch_(&architecture_named(model.config().architecture)),
      phase_(std::make_shared<AdapterPhase>()) {
  kind_->validate(settings_);
  detach();
}

AdapterSet AdapterSet::create(Model& model, const AdapterSettings& settings) {
  AdapterSet set(model, settings);
  const std::vector<const TensorRow*> targets = select_targets(*set.arch_, settings.targets);
  Rng rng(settings.seed);
  model.for_each_linear([&](size_t layer, Linear& linear) {
    const TensorRow* row = find_row(*set.arch_, linear.name());
    if (std::find(targets.begin(), targets.end(), row) == targets.end()) return;
    set.add(layer, *row, linear, settings.rank, settings.alpha, rng);
  });
  return set;
}

AdapterSet::Entry& AdapterSet::add(size_t layer, const TensorRow& row, Linear& linear, size_t rank,
                                   double alpha, Rng& rng) {
  AdapterSettings own = settings_;
  own.rank = rank;
  own.alpha = alpha;
  kind_->validate(own);
  std::shared_ptr<LinearAdapter> adapter = kind_->create(linear, own, phase_, rng);
  linear.set_adapter(adapter);
  entries_.push_back({.layer = layer,
                      .row = &row,
                      .linear = &linear,
                      .adapter = std::move(adapter),
                      .rank = rank,
                      .alpha = alpha});
  return entries_.back();
}

void AdapterSet::detach() {
  model_->for_each_linear([](size_t, Linear& linear) { linear.set_adapter(nullptr); });
  entries_.clear();
}

std::vector<Parameter*> AdapterSet::parameters() const {
  std::vector<Parameter*> all;
  for (const Entry& entry : entries_) {
    for (Parameter* parameter : entry.adapter->parameters()) all.push_back(parameter);
  }
  return all;
}

uint64_t AdapterSet::n_parameters() const {
  uint64_t n = 0;
  for (const Parameter* parameter : parameters()) n += parameter->value.size();
  return n;
}

std::vector<Tensor> AdapterSet::snapshot() const {
  std::vector<Tensor> values;
  for (const Parameter* parameter : parameters()) values.push_back(parameter->value.clone());
  return values;
}

void AdapterSet::restore(const std::vector<Tensor>& values) {
  const std::vector<Parameter*> all = parameters();
  HONE_CHECK(values.size() == all.size(), "{} values for {} parameters", values.size(), all.size());
  for (size_t i = 0; i < all.size(); ++i) {
    HONE_CHECK(values[i].size() == all[i]->value.size(), "{}", all[i]->name);
    std::copy_n(values[i].data(), values[i].size(), all[i]->value.data());
  }
}

}  // namespace hone
