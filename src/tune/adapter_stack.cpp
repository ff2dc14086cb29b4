#include "tune/adapter_stack.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <map>

#include "base/error.h"
#include "ops/gemm.h"

namespace hone {
namespace {

struct Scaled {
  LinearAdapter* adapter;
  double scale;
};

// The sum of several low-rank changes as one: A's rows under each other, B's columns side by side with the
// scales in them. For inference: gradients go to the parts, never here.
class SummedAdapter final : public LinearAdapter {
 public:
  explicit SummedAdapter(std::span<const Scaled> parts) {
    std::vector<LowRank> changes;
    size_t rank = 0;
    for (const Scaled& part : parts) {
      changes.push_back(part.adapter->low_rank());
      rank += changes.back().a->value.rows();
    }
    a_.value = Tensor::empty({rank, changes[0].a->value.cols()});
    b_.value = Tensor::empty({changes[0].b->value.rows(), rank});
    size_t at = 0;
    for (size_t i = 0; i < parts.size(); ++i) {
      put(changes[i], parts[i].scale, at);
      at += changes[i].a->value.rows();
    }
  }

  LowRank low_rank() override { return {&a_, &b_, 1.0f, false, {}}; }
  void merge_rows(const Linear& base, size_t row_begin, size_t n_rows, float* rows) const override {
    gemm_nn(n_rows, b_.value.row(row_begin), b_.value.cols(), f32_view(a_.value), rows, base.in_features(),
            {.compute = ComputeMode::kPrecise, .accumulate = true});
  }
  std::vector<Parameter*> parameters() override { return {&a_, &b_}; }

 private:
  void put(const LowRank& change, double scale, size_t at) {
    const Tensor &a = change.a->value, &b = change.b->value;
    std::copy_n(a.data(), a.size(), a_.value.row(at));
    const double factor = scale * static_cast<double>(change.scaling);
    for (size_t i = 0; i < b.rows(); ++i)
      for (size_t k = 0; k < b.cols(); ++k)
        b_.value.row(i)[at + k] = static_cast<float>(b.row(i)[k] * factor);
  }

  Parameter a_, b_;
};

void check_scale(double scale) {
  if (!std::isfinite(scale))
    fail(ErrorCode::kInvalidArgument, "adapter: scale: got {}, expected a finite number", scale);
}

}  // namespace

AdapterChoice parse_adapter_choice(const std::string& text) {
  if (text.empty())
    fail(ErrorCode::kInvalidArgument, "--adapter: got an empty path, expected PATH or PATH:SCALE");
  std::error_code ignored;
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0 || std::filesystem::exists(text, ignored))
    return {.path = text};
  double scale = 0;
  const char *begin = text.data() + colon + 1, *end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(begin, end, scale);
  if (begin == end || stop != end || error != std::errc() || !std::isfinite(scale))
    fail(ErrorCode::kInvalidArgument,
         "--adapter: {}: no such file or folder, and '{}' is no scale; expected PATH or PATH:SCALE, SCALE a "
         "number "
         "like 0.5",
         text, std::string(begin, end));
  return {.path = text.substr(0, colon), .scale = scale};
}

std::string to_text(const AdapterChoice& choice) {
  return choice.scale == 1 ? choice.path.string() : fmt::format("{}:{}", choice.path.string(), choice.scale);
}

AdapterStack::AdapterStack(Model& model) : model_(&model) {
  apply();
}

AdapterStack::~AdapterStack() {
  parts_.clear();
  apply();
}

const LoadedAdapter& AdapterStack::add(const AdapterChoice& choice, const LoadAdapterOptions& options) {
  check_scale(choice.scale);
  try {
    parts_.push_back({choice, load_adapter(*model_, choice.path, options)});
  } catch (...) {
    apply();  // loading takes the others off
    throw;
  }
  apply();
  return parts_.back().loaded;
}

void AdapterStack::set_scales(std::span<const double> scales) {
  HONE_CHECK(scales.size() == parts_.size(), "{} scales for {} adapters", scales.size(), parts_.size());
  for (const double scale : scales) check_scale(scale);
  for (size_t i = 0; i < scales.size(); ++i) parts_[i].choice.scale = scales[i];
  apply();
}

void AdapterStack::set_scale(size_t index, double scale) {
  HONE_CHECK(index < parts_.size(), "{} of {}", index, parts_.size());
  check_scale(scale);
  parts_[index].choice.scale = scale;
  apply();
}

void AdapterStack::apply() {
  std::map<const Linear*, std::vector<std::pair<std::shared_ptr<LinearAdapter>, double>>> active;
  for (const Part& part : parts_) {
    if (part.choice.scale == 0) continue;
    for (const AdapterSet::Entry& entry : part.loaded.adapters.entries())
      active[entry.linear].emplace_back(entry.adapter, part.choice.scale);
  }
  model_->for_each_linear([&](size_t, Linear& linear) {
    const auto found = active.find(&linear);
    if (found == active.end()) return linear.set_adapter(nullptr);
    if (found->second.size() == 1 && found->second[0].second == 1)
      return linear.set_adapter(found->second[0].first);
    std::vector<Scaled> parts;
    for (const auto& [adapter, scale] : found->second) parts.push_back({adapter.get(), scale});
    linear.set_adapter(std::make_shared<SummedAdapter>(parts));
  });
}

}  // namespace hone
