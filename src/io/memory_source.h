// A model that lies in memory: for tests and converters.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "io/weight_source.h"

namespace hone {

struct MemoryTensor {
  TensorInfo info;
  std::vector<std::byte> bytes;
};

class MemorySource final : public WeightSource {
 public:
  // Throws kInvalidArgument when a tensor's bytes do not match its shape and format, or a name comes twice.
  MemorySource(Metadata metadata, std::vector<MemoryTensor> tensors, std::string description = "memory");
  const Metadata& metadata() const override { return metadata_; }
  const std::vector<TensorInfo>& tensors() const override { return tensors_; }
  std::span<const std::byte> data(size_t i) override;
  void release(size_t) override {}
  std::string description() const override { return description_; }
  // Sum of the tensors' bytes.
  uint64_t file_bytes() const override { return n_bytes_; }

 private:
  Metadata metadata_;
  std::vector<TensorInfo> tensors_;
  std::vector<std::vector<std::byte>> data_;
  std::string description_;
  uint64_t n_bytes_ = 0;
};

// A tensor of these values in this format; values.size() must match the shape.
MemoryTensor make_tensor(std::string name, std::vector<uint64_t> shape, const Format& format,
                         std::span<const float> values);

}  // namespace hone
