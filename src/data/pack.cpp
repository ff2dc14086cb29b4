// Samples placed whole into rows of bounded length.
#include <algorithm>
#include <numeric>
#include <set>

#include "base/error.h"
#include "data/dataset.h"

namespace hone {
namespace {

void append(const Sample& sample, size_t index, PackedBatch& out) {
  const size_t begin = out.batch.tokens.size();
  const size_t length = sample.tokens.size();
  HONE_CHECK(sample.supervised.size() == length, "mask={} tokens={}", sample.supervised.size(), length);
  out.batch.sequences.push_back({begin, length});
  for (size_t t = 0; t < length; ++t) {
    out.batch.tokens.push_back(sample.tokens[t]);
    out.batch.positions.push_back(static_cast<int32_t>(t));
    const bool learned = t + 1 < length && sample.supervised[t + 1] != 0;
    out.targets.push_back(learned ? sample.tokens[t + 1] : -1);
    out.n_targets += learned ? 1 : 0;
  }
  out.samples.push_back(index);
}

}  // namespace

std::vector<PackedBatch> pack(const std::vector<Sample>& samples, std::span<const size_t> order,
                              size_t capacity) {
  std::vector<size_t> by_length(order.size());  // positions in `order`
  std::iota(by_length.begin(), by_length.end(), size_t{0});
  for (const size_t index : order) {
    HONE_CHECK(index < samples.size(), "index={} samples={}", index, samples.size());
    if (samples[index].tokens.size() > capacity)
      fail(ErrorCode::kInvalidArgument,
           "packing: the sample at line {} has {} tokens, more than the {} of a row; lower --max-length to "
           "the row length",
           samples[index].line, samples[index].tokens.size(), capacity);
  }
  const auto length = [&](size_t place) { return samples[order[place]].tokens.size(); };
  std::stable_sort(by_length.begin(), by_length.end(),
                   [&](size_t a, size_t b) { return length(a) > length(b); });

  std::vector<std::vector<size_t>> rows;  // places
  std::set<std::pair<size_t, size_t>>
      free_space;  // (free tokens, row): the first that is large enough fits best
  for (const size_t place : by_length) {
    const auto best = free_space.lower_bound({length(place), 0});
    size_t row = rows.size(), space = capacity;
    if (best != free_space.end()) {
      space = best->first;
      row = best->second;
      free_space.erase(best);
    } else {
      rows.emplace_back();
    }
    rows[row].push_back(place);
    free_space.insert({space - length(place), row});
  }

  // In the given order again, or the longest samples would always come first.
  for (auto& row : rows) std::sort(row.begin(), row.end());
  std::sort(rows.begin(), rows.end());
  std::vector<PackedBatch> batches(rows.size());
  for (size_t row = 0; row < rows.size(); ++row)
    for (const size_t place : rows[row]) append(samples[order[place]], order[place], batches[row]);
  return batches;
}

PackedBatch single_batch(const Sample& sample) {
  PackedBatch out;
  append(sample, 0, out);
  return out;
}

}  // namespace hone
