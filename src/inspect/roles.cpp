#include "inspect/roles.h"

#include "models/architecture.h"

namespace hone {
namespace {

struct Suffix {
  std::string_view text;
  char matrix;
  std::string_view instead;  // what the base tensor's name has there
};
constexpr Suffix kSuffixes[] = {
    {".lora_a", 'a', ""},
    {".lora_b", 'b', ""},
    {".lora_A.weight", 'a', ".weight"},
    {".lora_B.weight", 'b', ".weight"},
};
constexpr std::string_view kPeftPrefix = "base_model.model.";

std::string base_tensor(std::string_view name) {
  if (name.starts_with(kPeftPrefix)) name.remove_prefix(kPeftPrefix.size());
  for (const Suffix& suffix : kSuffixes)
    if (name.ends_with(suffix.text))
      return std::string(name.substr(0, name.size() - suffix.text.size())) + std::string(suffix.instead);
  return std::string(name);
}

// "model.layers.3.mlp.up_proj.weight" -> "model.layers.{}.mlp.up_proj.weight".
std::string without_layer(const std::string& name) {
  for (size_t at = name.find('.'); at != std::string::npos; at = name.find('.', at + 1)) {
    const size_t end = name.find_first_not_of("0123456789", at + 1);
    if (end != std::string::npos && end > at + 1 && name[end] == '.')
      return name.substr(0, at + 1) + "{}" + name.substr(end);
  }
  return name;
}

const TensorRow* row_of(const Architecture& arch, const std::string& base) {
  if (const TensorRow* row = find_row(arch, base)) return row;
  const std::string pattern = without_layer(base);
  for (const TensorRow& row : arch.tensors)
    if (!row.hf.empty() && row.hf == pattern) return &row;
  return nullptr;
}

}  // namespace

char adapter_matrix(std::string_view name) {
  for (const Suffix& suffix : kSuffixes)
    if (name.ends_with(suffix.text)) return suffix.matrix;
  return 0;
}

std::string role_of(std::string_view architecture, std::string_view name) {
  const std::string base = base_tensor(name);
  for (const Architecture* arch : all_architectures()) {
    if (!architecture.empty() && arch->gguf_name != architecture) continue;
    if (const TensorRow* row = row_of(*arch, base)) return role_name(row->role);
  }
  return role_name(TensorRole::kOther);
}

}  // namespace hone
