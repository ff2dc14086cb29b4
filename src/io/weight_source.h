// What a model is read from: metadata and a tensor directory, whatever the container. GGUF conventions rule:
// shape[0] is the contiguous dimension (columns), llama-family q/k rows are in GGUF's permuted order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "formats/format.h"

namespace hone {

enum class MetaType : uint32_t {
  kU8,
  kI8,
  kU16,
  kI16,
  kU32,
  kI32,
  kF32,
  kBool,
  kString,
  kArray,
  kU64,
  kI64,
  kF64
};

// "u32", "string", "array", …
const char* meta_type_name(MetaType type) noexcept;

// Arrays keep their element type so that a file can be written back byte for byte.
struct MetaArray {
  using Values = std::variant<std::vector<uint64_t>, std::vector<int64_t>, std::vector<double>,
                              std::vector<std::string>>;
  MetaArray() = default;
  MetaArray(MetaType element_type, Values elements) : element(element_type), values(std::move(elements)) {}
  // Assigned, because a variant of vectors must not be copied into being: libstdc++ up to 12 takes such a
  // variant for one that always holds something, and when the copy of the vector throws destroys what it does
  // not hold.
  MetaArray(const MetaArray& other) : element(other.element) { values = other.values; }
  MetaArray(MetaArray&&) noexcept = default;
  MetaArray& operator=(const MetaArray&) = default;
  MetaArray& operator=(MetaArray&&) noexcept = default;
  ~MetaArray() = default;

  size_t size() const noexcept {
    return std::visit([](const auto& v) { return v.size(); }, values);
  }

  MetaType element = MetaType::kU32;
  Values values;
};

struct MetaValue {
  MetaType type = MetaType::kU32;
  // Unsigned and bool in uint64_t, signed in int64_t, floats in double (an f32 widened exactly).
  std::variant<uint64_t, int64_t, double, std::string, MetaArray> value;
};

// Ordered as in the file.
class Metadata {
 public:
  const MetaValue* find(std::string_view key) const noexcept;
  void set(std::string key, MetaValue value);  // replaces in place or appends
  void erase(std::string_view key);
  const std::vector<std::pair<std::string, MetaValue>>& entries() const noexcept { return entries_; }

  // Typed reads; any integer width converts when it fits. Throw kCorruption naming key, got and expected;
  // the optional forms return nullopt only when the key is absent.
  std::string string(std::string_view key) const;
  uint64_t integer(std::string_view key) const;
  double number(std::string_view key) const;
  std::optional<std::string> find_string(std::string_view key) const;
  std::optional<uint64_t> find_integer(std::string_view key) const;
  std::optional<double> find_number(std::string_view key) const;
  std::optional<bool> find_bool(std::string_view key) const;
  std::vector<std::string> strings(std::string_view key) const;
  std::vector<int64_t> integers(std::string_view key) const;
  std::vector<double> numbers(std::string_view key) const;

  void set_string(std::string key, std::string value);
  void set_u32(std::string key, uint32_t value);
  void set_u64(std::string key, uint64_t value);
  void set_f32(std::string key, float value);
  void set_bool(std::string key, bool value);
  void set_strings(std::string key, std::vector<std::string> values);
  void set_i32s(std::string key, const std::vector<int32_t>& values);
  void set_f32s(std::string key, const std::vector<float>& values);

 private:
  struct KeyHash {
    using is_transparent = void;
    size_t operator()(std::string_view key) const noexcept { return std::hash<std::string_view>()(key); }
  };
  const MetaValue& at(std::string_view key) const;

  std::vector<std::pair<std::string, MetaValue>> entries_;
  std::unordered_map<std::string, size_t, KeyHash, std::equal_to<>> index_;
};

struct TensorInfo {
  std::string name;             // GGUF name: "blk.0.attn_q.weight"
  std::vector<uint64_t> shape;  // 1 to 4 dimensions, shape[0] contiguous
  const Format* format = nullptr;
  uint64_t n_elements() const noexcept {
    uint64_t n = 1;
    for (const uint64_t d : shape) n *= d;
    return n;
  }
  uint64_t n_bytes() const noexcept { return format->bytes(n_elements()); }
};

class WeightSource {
 public:
  virtual ~WeightSource() = default;
  virtual const Metadata& metadata() const = 0;
  virtual const std::vector<TensorInfo>& tensors() const = 0;
  // The bytes of tensor i, exactly n_bytes(). Mapped sources return file pages; converting sources may return
  // a buffer that stays valid until the next call of data() or release().
  virtual std::span<const std::byte> data(size_t i) = 0;
  // These bytes are not needed again soon.
  virtual void release(size_t i) = 0;
  // data() and release() may be called by several threads at once, and what they return stays.
  virtual bool is_mapped() const { return false; }
  virtual std::string description() const = 0;  // path, for messages
  virtual uint64_t file_bytes() const = 0;

  // Linear in the number of tensors.
  std::optional<size_t> find(std::string_view name) const;
};

// A name from a file as it may stand in a message: quoted, escaped, cut to a readable length.
std::string printable(std::string_view text);

}  // namespace hone
