// The container-independent parts of reading a model: tensor lookup and safe printing of names.
#include "io/weight_source.h"

#include <fmt/format.h>

namespace hone {

std::optional<size_t> WeightSource::find(std::string_view name) const {
  const std::vector<TensorInfo>& all = tensors();
  for (size_t i = 0; i < all.size(); ++i)
    if (all[i].name == name) return i;
  return std::nullopt;
}

std::string printable(std::string_view text) {
  constexpr size_t kMaxShown = 100;
  if (text.size() <= kMaxShown) return fmt::format("{:?}", text);
  return fmt::format("{:?}… ({} bytes)", text.substr(0, kMaxShown), text.size());
}

}  // namespace hone
