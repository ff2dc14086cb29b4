#include "pipeline/sensitivity.h"

#include <algorithm>
#include <cstdlib>

#include "base/error.h"
#include "base/memory.h"
#include "base/progress.h"
#include "io/gguf.h"

namespace hone {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kVersion = 1;
constexpr size_t kTogether = 8;  // models at a time: the reference is computed once for all of them

// A model of which some tensors come from another file with the same tensors.
class MixedSource final : public WeightSource {
 public:
  MixedSource(WeightSource& most, WeightSource& some, std::string group) : most_(most), some_(some) {
    tensors_ = most.tensors();
    for (size_t i = 0; i < tensors_.size(); ++i) {
      const bool taken = group_of(tensors_[i].name) == group;
      const std::optional<size_t> other = taken ? some.find(tensors_[i].name) : std::nullopt;
      from_.push_back(other);
      if (other) tensors_[i] = some.tensors()[*other];
    }
  }
  const Metadata& metadata() const override { return most_.metadata(); }
  const std::vector<TensorInfo>& tensors() const override { return tensors_; }
  std::span<const std::byte> data(size_t i) override {
    return from_[i] ? some_.data(*from_[i]) : most_.data(i);
  }
  // Read again by the next mixture.
  void release(size_t) override {}
  std::string description() const override { return most_.description(); }
  uint64_t file_bytes() const override { return most_.file_bytes(); }

 private:
  WeightSource &most_, &some_;
  std::vector<TensorInfo> tensors_;
  std::vector<std::optional<size_t>> from_;
};

// Of "blk.3"; what is in no layer stands before them.
int layer_of(const std::string& group) {
  return group.starts_with("blk.") ? std::atoi(group.c_str() + 4) : -1;
}

std::vector<GroupSensitivity> groups_of(const WeightSource& whole, const WeightSource& rounded,
                                        const std::string& format) {
  std::vector<GroupSensitivity> out;
  for (const TensorInfo& info : whole.tensors()) {
    const std::optional<size_t> other = rounded.find(info.name);
    if (!other || rounded.tensors()[*other].format == info.format) continue;
    const std::string group = group_of(info.name);
    const auto known =
        std::find_if(out.begin(), out.end(), [&](const GroupSensitivity& g) { return g.group == group; });
    GroupSensitivity& entry =
        known != out.end() ? *known : out.emplace_back(GroupSensitivity{.format = format, .group = group});
    entry.weights += info.n_elements();
  }
  // Files may hold layer 10 before layer 2.
  std::stable_sort(out.begin(), out.end(), [](const GroupSensitivity& a, const GroupSensitivity& b) {
    return layer_of(a.group) < layer_of(b.group);
  });
  return out;
}

double mean_kl(const Scores& scores) {
  double sum = 0, count = 0;
  for (const DocumentScore& d : scores.kl) {
    sum += d.sum;
    count += d.count;
  }
  return count > 0 ? sum / count : 0;
}

}  // namespace

std::string group_of(const std::string& tensor) {
  if (!tensor.starts_with("blk.")) return tensor.substr(0, tensor.rfind(".weight"));
  return tensor.substr(0, tensor.find('.', 4));
}

std::vector<GroupSensitivity> sensitivity_of(RunContext& run, const MeasureItems& items,
                                             const Product& merged, const Product& file) {
  const std::string key = key_of({{"stage", "sensitivity"},
                                  {"version", kVersion},
                                  {"computes", kMeasureVersion},
                                  {"items", items.key},
                                  {"compute", compute_mode_name(run.compute)},
                                  {"whole", merged.model.model_hash},
                                  {"rounded", file.model.model_hash}});
  const std::string& format = file.result.name;
  const std::string record = "sensitivity-" + format;
  std::vector<GroupSensitivity> out;
  if (const std::optional<Json> stored = run.store.find(record, key)) {
    for (const Json& g : *stored)
      out.push_back({format, g.at(0).get<std::string>(), g.at(1).get<double>(), g.at(2).get<uint64_t>()});
    return out;
  }
  out = measure_sensitivity(merged.model.model, file.model.model, format, items.chats, run.compute);
  Json json = Json::array();
  for (const GroupSensitivity& g : out) json.push_back({g.group, g.kl, g.weights});
  run.store.save(record, key, json);
  return out;
}

std::vector<GroupSensitivity> measure_sensitivity(const std::string& whole_path,
                                                  const std::string& rounded_path, const std::string& format,
                                                  const std::vector<ScoreItem>& items, ComputeMode compute) {
  GgufFile whole(whole_path), rounded(rounded_path);
  std::vector<GroupSensitivity> groups = groups_of(whole, rounded, format);
  const Model reference(whole);
  const uint64_t fit = available_memory_bytes() / 2 / std::max<uint64_t>(1, whole.file_bytes());
  const size_t together = std::clamp<size_t>(fit, 1, kTogether);
  for (size_t begin = 0; begin < groups.size(); begin += together) {
    const size_t n = std::min(together, groups.size() - begin);
    std::vector<std::unique_ptr<Model>> models;
    std::vector<Candidate> candidates;
    for (size_t i = 0; i < n; ++i) {
      MixedSource source(whole, rounded, groups[begin + i].group);
      models.push_back(std::make_unique<Model>(source));
      candidates.push_back({.model = models.back().get(), .compute = compute});
    }
    const std::vector<Scores> scores = score(
        candidates, &reference, items,
        fmt::format("{}: sensitivity, groups {} to {} of {}", format, begin + 1, begin + n, groups.size()));
    for (size_t i = 0; i < n; ++i) groups[begin + i].kl = mean_kl(scores[i]);
  }
  return groups;
}

}  // namespace hone
