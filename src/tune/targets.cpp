#include "tune/targets.h"

#include <algorithm>
#include <set>

#include "base/error.h"

namespace hone {
namespace {

constexpr std::string_view kWeight = ".weight";
constexpr std::string_view kAllLinear = "all-linear";

std::string_view last_component(std::string_view name) noexcept {
  if (name.ends_with(kWeight)) name.remove_suffix(kWeight.size());
  const size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? name : name.substr(dot + 1);
}

std::string known_names(const Architecture& arch) {
  std::string known;
  for (const TensorRow& row : arch.tensors) {
    if (!row.linear) continue;
    known += fmt::format("{}{} ({})", known.empty() ? "" : ", ", short_hf_name(row), short_gguf_name(row));
  }
  return known;
}

}  // namespace

std::string_view short_gguf_name(const TensorRow& row) noexcept {
  return last_component(row.gguf);
}

std::string_view short_hf_name(const TensorRow& row) noexcept {
  return last_component(row.hf);
}

std::string hf_module_name(const TensorRow& row, size_t layer) {
  std::string name = hf_name(row, layer);
  if (name.ends_with(kWeight)) name.resize(name.size() - kWeight.size());
  return name;
}

std::vector<const TensorRow*> select_targets(const Architecture& arch,
                                             const std::vector<std::string>& asked) {
  std::vector<const TensorRow*> linear, chosen;
  for (const TensorRow& row : arch.tensors) {
    if (row.linear) linear.push_back(&row);
  }
  if (asked.empty() || (asked.size() == 1 && asked[0] == kAllLinear)) return linear;
  std::set<const TensorRow*> wanted;
  for (const std::string& name : asked) {
    const auto found = std::find_if(linear.begin(), linear.end(), [&](const TensorRow* row) {
      return name == short_gguf_name(*row) || name == short_hf_name(*row);
    });
    if (found == linear.end())
      fail(ErrorCode::kInvalidArgument, "targets: got '{}', expected '{}' or names out of {}", name,
           kAllLinear, known_names(arch));
    if (!wanted.insert(*found).second)
      fail(ErrorCode::kInvalidArgument, "targets: '{}' is named twice; name each layer once", name);
  }
  std::copy_if(linear.begin(), linear.end(), std::back_inserter(chosen),
               [&](const TensorRow* row) { return wanted.contains(row); });
  return chosen;
}

}  // namespace hone
