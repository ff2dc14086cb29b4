// GGUF v2 and v3, little-endian: read through a memory map with every size checked against the file, write
// atomically. Layout: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
#pragma once

#include <filesystem>
#include <memory>

#include "base/atomic_file.h"
#include "base/mapped_file.h"
#include "io/weight_source.h"

namespace hone {

class GgufFile final : public WeightSource {
 public:
  // Throws kNotFound, kIo, kCorruption (where, got, expected), kNotSupported (version, big-endian, tensor
  // format).
  explicit GgufFile(const std::filesystem::path& path);
  const Metadata& metadata() const override { return metadata_; }
  const std::vector<TensorInfo>& tensors() const override { return tensors_; }
  std::span<const std::byte> data(size_t i) override;
  void release(size_t i) override;
  bool is_mapped() const override { return true; }
  std::string description() const override { return file_.path().string(); }
  uint64_t file_bytes() const override { return file_.bytes().size(); }
  uint32_t version() const noexcept { return version_; }

 private:
  MappedFile file_;
  uint32_t version_ = 0;
  Metadata metadata_;
  std::vector<TensorInfo> tensors_;
  std::vector<uint64_t> offsets_;  // absolute
};

// Writes header and directory at once, then tensors in order; commit() makes the file appear.
class GgufWriter {
 public:
  GgufWriter(const std::filesystem::path& path, const Metadata& metadata, std::vector<TensorInfo> tensors);
  // bytes.size() must equal the next tensor's n_bytes().
  void write_tensor(std::span<const std::byte> bytes);
  // Checks that every tensor was written.
  void commit();

 private:
  AtomicFile file_;
  std::vector<TensorInfo> tensors_;
  size_t next_ = 0;
  uint64_t alignment_ = 32;
};

// Writes any source as GGUF v3, its tensors byte for byte.
void write_gguf(const std::filesystem::path& path, WeightSource& source);

}  // namespace hone
