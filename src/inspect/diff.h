// Two files of weights side by side.
#pragma once

#include <string>
#include <vector>

#include "inspect/contents.h"

namespace hone {

struct MetadataDifference {
  std::string key;
  const MetaValue* a = nullptr;  // nullptr: the key is not there
  const MetaValue* b = nullptr;
};

struct TensorDifference {
  size_t a = 0, b = 0;      // indices into the two files' tensors
  bool identical = false;   // shape, format and every byte
  bool compared = false;    // shapes agree and both formats decode; then:
  double relative_rms = 0;  // sqrt(sum (b - a)^2 / sum a^2); infinite when only a is all zeros
  double largest = 0;       // max |b - a|
};

struct Diff {
  std::vector<MetadataDifference> metadata;  // in a's order, then b's
  std::vector<size_t> only_a, only_b;        // tensors
  std::vector<TensorDifference> tensors;     // common names; not comparable first, then largest error first
  bool compared = false;                     // any of them
  double relative_rms = 0;                   // over all compared tensors together
  bool identical() const noexcept;
};

// Reads the values of every common tensor, decoded to f32, a tensor at a time.
Diff compare(Contents& a, Contents& b);

}  // namespace hone
