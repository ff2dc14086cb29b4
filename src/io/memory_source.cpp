#include "io/memory_source.h"

#include <unordered_set>

#include "base/error.h"
#include "io/gguf_layout.h"

namespace hone {

MemorySource::MemorySource(Metadata metadata, std::vector<MemoryTensor> tensors, std::string description)
    : metadata_(std::move(metadata)), description_(std::move(description)) {
  std::unordered_set<std::string> names;
  for (MemoryTensor& tensor : tensors) {
    HONE_CHECK(tensor.info.format != nullptr, "tensor={}", tensor.info.name);
    const uint64_t expected = gguf::checked_tensor_bytes(tensor.info, description_);
    if (tensor.bytes.size() != expected)
      fail(ErrorCode::kInvalidArgument, "{}: tensor {}: got {} bytes, expected {}", description_,
           printable(tensor.info.name), tensor.bytes.size(), expected);
    if (!names.insert(tensor.info.name).second)
      fail(ErrorCode::kInvalidArgument, "{}: tensor {}: got it twice, expected it once", description_,
           printable(tensor.info.name));
    n_bytes_ += expected;
    tensors_.push_back(std::move(tensor.info));
    data_.push_back(std::move(tensor.bytes));
  }
}

std::span<const std::byte> MemorySource::data(size_t i) {
  HONE_CHECK(i < data_.size(), "i={} n={}", i, data_.size());
  return data_[i];
}

MemoryTensor make_tensor(std::string name, std::vector<uint64_t> shape, const Format& format,
                         std::span<const float> values) {
  HONE_CHECK(format.encodes(), "tensor={} format={}", name, format.name);
  MemoryTensor out{{std::move(name), std::move(shape), &format}, {}};
  out.bytes.resize(gguf::checked_tensor_bytes(out.info, "tensor"));
  HONE_CHECK(values.size() == out.info.n_elements(), "tensor={} got={} expected={}", out.info.name,
             values.size(), out.info.n_elements());
  format.from_float(values.data(), out.bytes.data(), values.size());
  return out;
}

}  // namespace hone
