// safetensors: 8-byte little-endian header length, JSON header, data. Read mapped and checked; written
// atomically.
#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/mapped_file.h"
#include "formats/format.h"

namespace hone {

struct SafeTensor {
  std::string name;
  std::string dtype;            // "F32", "F16", "BF16", "I32", …
  std::vector<uint64_t> shape;  // row-major, last dimension contiguous
  std::span<const std::byte> data;
};

class SafetensorsFile {
 public:
  // Throws kNotFound, kIo, kCorruption: overlapping or out-of-range offsets, duplicate names, sizes that do
  // not match dtype and shape, holes, header longer than the file or 100 MB.
  explicit SafetensorsFile(const std::filesystem::path& path);
  const std::vector<SafeTensor>& tensors() const noexcept { return tensors_; }
  const SafeTensor* find(std::string_view name) const noexcept;
  const std::map<std::string, std::string>& metadata() const noexcept { return metadata_; }
  const MappedFile& file() const noexcept { return file_; }

 private:
  MappedFile file_;
  std::vector<SafeTensor> tensors_;
  std::map<std::string, std::string> metadata_;
};

// dtype of a float format: F32, F16, BF16; throws kNotSupported for others. And back (nullptr when not a
// float).
std::string safetensors_dtype(const Format& format);
const Format* format_of_dtype(std::string_view dtype) noexcept;

void write_safetensors(const std::filesystem::path& path, const std::vector<SafeTensor>& tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace hone
