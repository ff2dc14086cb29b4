// What is in a file of weights, whatever its container. Opening reads the directory only, so it takes as long
// for 7B as for a toy; values are read when asked for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "io/weight_source.h"

namespace hone {

struct TensorEntry {
  std::string name;
  std::vector<uint64_t> shape;      // GGUF's order: shape[0] is contiguous
  std::string format;               // "q4_0"; a dtype that is no weight format in lower case ("i64")
  const Format* decoder = nullptr;  // nullptr: its values cannot be read as numbers
  uint64_t n_elements = 0, n_bytes = 0;
  std::string role;  // "attn_q", …; "other" when no architecture knows the name
};

class Contents {
 public:
  virtual ~Contents() = default;

  std::filesystem::path path;
  std::string container;     // "GGUF v3", "Hugging Face folder", "PEFT folder", "safetensors"
  std::string kind;          // "model", "adapter", "tensors"
  std::string architecture;  // empty when nothing says
  std::string name;
  bool runnable = false;  // a model of an architecture that hone has
  uint64_t context_length = 0, file_bytes = 0;
  std::set<uint64_t> ranks;  // of an adapter's matrices
  Metadata metadata;
  std::vector<TensorEntry> tensors;  // in the file's order

  // The bytes of tensor i; valid until the next call of data() or release().
  virtual std::span<const std::byte> data(size_t i) = 0;
  virtual void release(size_t i) = 0;
  // Reads everything. Models: the hash of the weights that adapters name as their base; else of the file that
  // holds the tensors.
  virtual std::string hash() = 0;
};

// A GGUF or safetensors file, a Hugging Face or PEFT folder, or a name in the model store. Throws kNotFound,
// kIo, kCorruption, kNotSupported, each naming the file.
std::unique_ptr<Contents> open_contents(const std::string& argument);

// What opens one kind, for open_contents.
std::unique_ptr<Contents> open_gguf(const std::filesystem::path& path);
std::unique_ptr<Contents> open_hf_folder(const std::filesystem::path& path);
std::unique_ptr<Contents> open_safetensors(const std::filesystem::path& path);
std::unique_ptr<Contents> open_peft(const std::filesystem::path& folder);

}  // namespace hone
