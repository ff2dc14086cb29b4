#include "inspect/diff.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "base/interrupt.h"
#include "base/progress.h"
#include "base/threads.h"

namespace hone {
namespace {

constexpr size_t kPiece = 1u << 16;  // elements; a multiple of every format's block

struct Squares {
  double change = 0, reference = 0, largest = 0;
  void add(const Squares& other) {
    change += other.change;
    reference += other.reference;
    largest = std::isnan(other.largest) ? other.largest : std::max(largest, other.largest);
  }
  double relative() const {
    if (change == 0) return 0;
    return reference == 0 ? std::numeric_limits<double>::infinity() : std::sqrt(change / reference);
  }
};

bool same_value(const MetaValue& a, const MetaValue& b) {
  if (a.type != b.type || a.value.index() != b.value.index()) return false;
  if (const MetaArray* array = std::get_if<MetaArray>(&a.value)) {
    const MetaArray& other = std::get<MetaArray>(b.value);
    return array->element == other.element && array->values == other.values;
  }
  return std::visit(
      [&](const auto& value) {
        using Value = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<Value, MetaArray>) {
          return false;
        } else {
          return value == std::get<Value>(b.value);
        }
      },
      a.value);
}

std::vector<MetadataDifference> compare_metadata(const Metadata& a, const Metadata& b) {
  std::vector<MetadataDifference> out;
  for (const auto& [key, value] : a.entries()) {
    const MetaValue* other = b.find(key);
    if (other == nullptr || !same_value(value, *other)) out.push_back({key, &value, other});
  }
  for (const auto& [key, value] : b.entries())
    if (a.find(key) == nullptr) out.push_back({key, nullptr, &value});
  return out;
}

Squares compare_piece(const Format& fa, const std::byte* a, const Format& fb, const std::byte* b, size_t n) {
  std::vector<float> x(n), y(n);
  fa.to_float(a, x.data(), n);
  fb.to_float(b, y.data(), n);
  Squares sum;
  for (size_t i = 0; i < n; ++i) {
    const double change = static_cast<double>(y[i]) - x[i];
    sum.change += change * change;
    sum.reference += static_cast<double>(x[i]) * x[i];
    if (!(std::abs(change) <= sum.largest)) sum.largest = std::abs(change);
  }
  return sum;
}

Squares compare_values(const TensorEntry& ta, std::span<const std::byte> a, const TensorEntry& tb,
                       std::span<const std::byte> b) {
  const size_t n = ta.n_elements;
  std::vector<Squares> pieces((n + kPiece - 1) / kPiece);
  thread_pool().run(pieces.size(), [&](size_t i, int) {
    const size_t begin = i * kPiece, size = std::min(kPiece, n - begin);
    pieces[i] = compare_piece(*ta.decoder, a.data() + ta.decoder->bytes(begin), *tb.decoder,
                              b.data() + tb.decoder->bytes(begin), size);
  });
  Squares sum;  // in order: the same result whatever the threads
  for (const Squares& piece : pieces) sum.add(piece);
  return sum;
}

// Unknown first, then the larger error.
double rank(const TensorDifference& tensor) {
  if (tensor.identical) return -1;
  if (!tensor.compared || std::isnan(tensor.relative_rms)) return std::numeric_limits<double>::infinity();
  return tensor.relative_rms;
}

}  // namespace

bool Diff::identical() const noexcept {
  return metadata.empty() && only_a.empty() && only_b.empty() &&
         std::all_of(tensors.begin(), tensors.end(), [](const auto& tensor) { return tensor.identical; });
}

Diff compare(Contents& a, Contents& b) {
  Diff diff;
  diff.metadata = compare_metadata(a.metadata, b.metadata);
  std::unordered_map<std::string_view, size_t> in_b;
  for (size_t j = 0; j < b.tensors.size(); ++j) in_b.emplace(b.tensors[j].name, j);
  std::vector<bool> common(b.tensors.size());
  Squares all;
  Progress progress("comparing", a.tensors.size(), "tensors");
  for (size_t i = 0; i < a.tensors.size(); ++i) {
    throw_if_interrupted("comparing");
    const auto found = in_b.find(a.tensors[i].name);
    if (found == in_b.end()) {
      diff.only_a.push_back(i);
      continue;
    }
    const size_t j = found->second;
    common[j] = true;
    const TensorEntry &ta = a.tensors[i], &tb = b.tensors[j];
    TensorDifference difference{.a = i, .b = j};
    const std::span<const std::byte> x = a.data(i), y = b.data(j);
    difference.compared = ta.shape == tb.shape && ta.decoder != nullptr && tb.decoder != nullptr;
    difference.identical =
        ta.shape == tb.shape && ta.format == tb.format && std::equal(x.begin(), x.end(), y.begin(), y.end());
    if (difference.compared) {
      const Squares sum = compare_values(ta, x, tb, y);
      difference.relative_rms = sum.relative();
      difference.largest = sum.largest;
      all.add(sum);
    }
    diff.compared = diff.compared || difference.compared;
    diff.tensors.push_back(difference);
    a.release(i);
    b.release(j);
    progress.update(i + 1);
  }
  for (size_t j = 0; j < b.tensors.size(); ++j)
    if (!common[j]) diff.only_b.push_back(j);
  diff.relative_rms = all.relative();
  std::stable_sort(diff.tensors.begin(), diff.tensors.end(),
                   [](const auto& x, const auto& y) { return rank(x) > rank(y); });
  return diff;
}

}  // namespace hone
