// What an adapter was trained on, as one hash: architecture and every tensor, in the order of their names, so
// that a file written again in another order is still the same base.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>

#include "base/hash.h"
#include "base/interrupt.h"
#include "models/model.h"

namespace hone {

std::string weights_fingerprint(WeightSource& source) {
  const std::vector<TensorInfo>& tensors = source.tensors();
  std::vector<size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return tensors[a].name < tensors[b].name; });
  Hasher hasher;
  // Lines, so that no two different directories run together into the same bytes.
  hasher.add(fmt::format("{}\n", source.metadata().find_string("general.architecture").value_or("")));
  for (const size_t i : order) {
    throw_if_interrupted("hashing the weights");
    const TensorInfo& info = tensors[i];
    hasher.add(fmt::format("{}\n{}\n{}\n", info.name, fmt::join(info.shape, "x"), info.format->name));
    hasher.add(source.data(i));
    source.release(i);
  }
  return hasher.digest();
}

}  // namespace hone
