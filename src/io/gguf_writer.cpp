// Writing GGUF v3. Metadata keep their order and types, so a file that llama.cpp wrote is written back byte
// for byte.
#include <array>
#include <cstring>
#include <unordered_set>

#include "base/checked.h"
#include "base/error.h"
#include "io/gguf.h"
#include "io/gguf_layout.h"

namespace hone {

namespace {

template <typename T>
void put(AtomicFile& out, T value) {
  std::array<std::byte, sizeof(T)> bytes;
  std::memcpy(bytes.data(), &value, sizeof(T));
  out.write(bytes);
}

void put(AtomicFile& out, std::string_view text) {
  put(out, static_cast<uint64_t>(text.size()));
  out.write(text);
}

void put_padding(AtomicFile& out, uint64_t alignment) {
  constexpr size_t kChunk = 4096;
  static constexpr std::array<std::byte, kChunk> kZeros{};
  const uint64_t beyond = out.offset() % alignment;
  uint64_t missing = beyond == 0 ? 0 : alignment - beyond;
  while (missing > 0) {
    const uint64_t n = missing < kChunk ? missing : kChunk;
    out.write(std::span(kZeros).first(n));
    missing -= n;
  }
}

// Little-endian: the low bytes of the 64-bit value are the narrow value. The value must fit its type.
template <typename Wide>
void put_integer(AtomicFile& out, std::string_view key, MetaType type, Wide value) {
  const uint64_t bytes = gguf::scalar_bytes(type);
  if (bytes < 8) {
    const int shift = static_cast<int>(64 - 8 * bytes);
    const Wide kept = static_cast<Wide>(static_cast<Wide>(static_cast<uint64_t>(value) << shift) >> shift);
    if (kept != value || (type == MetaType::kBool && static_cast<uint64_t>(value) > 1))
      fail(ErrorCode::kInvalidArgument, "metadata key {}: got {}, which does not fit {}", printable(key),
           value, meta_type_name(type));
  }
  std::array<std::byte, 8> raw;
  std::memcpy(raw.data(), &value, 8);
  out.write(std::span(raw).first(bytes));
}

bool is_signed(MetaType type) noexcept {
  return type == MetaType::kI8 || type == MetaType::kI16 || type == MetaType::kI32 || type == MetaType::kI64;
}

void put_element(AtomicFile& out, std::string_view key, MetaType type, uint64_t value) {
  HONE_CHECK(
      gguf::scalar_bytes(type) > 0 && !is_signed(type) && type != MetaType::kF32 && type != MetaType::kF64,
      "key={} type={}", key, meta_type_name(type));
  put_integer(out, key, type, value);
}

void put_element(AtomicFile& out, std::string_view key, MetaType type, int64_t value) {
  HONE_CHECK(is_signed(type), "key={} type={}", key, meta_type_name(type));
  put_integer(out, key, type, value);
}

void put_element(AtomicFile& out, std::string_view key, MetaType type, double value) {
  HONE_CHECK(type == MetaType::kF32 || type == MetaType::kF64, "key={} type={}", key, meta_type_name(type));
  if (type == MetaType::kF32)
    put(out, gguf::narrow(value));
  else
    put(out, value);
}

void put_element(AtomicFile& out, std::string_view key, MetaType type, const std::string& value) {
  HONE_CHECK(type == MetaType::kString, "key={} type={}", key, meta_type_name(type));
  put(out, std::string_view(value));
}

void put_element(AtomicFile& out, std::string_view key, MetaType type, const MetaArray& array) {
  HONE_CHECK(type == MetaType::kArray && array.element != MetaType::kArray, "key={} type={}", key,
             meta_type_name(type));
  put(out, static_cast<uint32_t>(array.element));
  put(out, static_cast<uint64_t>(array.size()));
  std::visit(
      [&](const auto& values) {
        for (const auto& value : values) put_element(out, key, array.element, value);
      },
      array.values);
}

void put_metadata(AtomicFile& out, const Metadata& metadata) {
  for (const auto& [key, value] : metadata.entries()) {
    if (key.size() > gguf::kMaxNameBytes)
      fail(ErrorCode::kInvalidArgument, "metadata key {}: got {} bytes, expected at most {}", printable(key),
           key.size(), gguf::kMaxNameBytes);
    put(out, std::string_view(key));
    put(out, static_cast<uint32_t>(value.type));
    std::visit([&, type = value.type, &name = key](const auto& v) { put_element(out, name, type, v); },
               value.value);
  }
}

void put_directory(AtomicFile& out, const std::vector<TensorInfo>& tensors, uint64_t alignment,
                   const std::string& where) {
  std::unordered_set<std::string_view> names;
  uint64_t offset = 0;
  for (const TensorInfo& tensor : tensors) {
    HONE_CHECK(tensor.format != nullptr, "tensor={}", tensor.name);
    if (tensor.name.size() > gguf::kMaxWrittenTensorName)
      fail(ErrorCode::kNotSupported,
           "{}: tensor {}: got a name of {} bytes, expected at most {} (llama.cpp's limit)", where,
           printable(tensor.name), tensor.name.size(), gguf::kMaxWrittenTensorName);
    if (!names.insert(tensor.name).second)
      fail(ErrorCode::kInvalidArgument, "{}: tensor {}: got it twice, expected it once", where,
           printable(tensor.name));
    const uint64_t bytes = gguf::checked_tensor_bytes(tensor, where);
    put(out, std::string_view(tensor.name));
    put(out, static_cast<uint32_t>(tensor.shape.size()));
    for (const uint64_t d : tensor.shape) put(out, d);
    put(out, static_cast<uint32_t>(tensor.format->id));
    put(out, offset);
    offset = gguf::padded(checked_add(offset, bytes, where.c_str()), alignment, where);
  }
}

}  // namespace

GgufWriter::GgufWriter(const std::filesystem::path& path, const Metadata& metadata,
                       std::vector<TensorInfo> tensors)
    : file_(path), tensors_(std::move(tensors)), alignment_(gguf::alignment_of(metadata, path.string())) {
  file_.write(gguf::kMagic);
  put(file_, gguf::kVersion);
  put(file_, static_cast<uint64_t>(tensors_.size()));
  put(file_, static_cast<uint64_t>(metadata.entries().size()));
  put_metadata(file_, metadata);
  put_directory(file_, tensors_, alignment_, path.string());
  put_padding(file_, alignment_);
}

void GgufWriter::write_tensor(std::span<const std::byte> bytes) {
  HONE_CHECK(next_ < tensors_.size(), "all {} tensors are written", tensors_.size());
  const TensorInfo& tensor = tensors_[next_];
  HONE_CHECK(bytes.size() == tensor.n_bytes(), "tensor={} got={} expected={}", tensor.name, bytes.size(),
             tensor.n_bytes());
  file_.write(bytes);
  put_padding(file_, alignment_);
  ++next_;
}

void GgufWriter::commit() {
  HONE_CHECK(next_ == tensors_.size(), "written={} expected={}", next_, tensors_.size());
  file_.commit();
}

void write_gguf(const std::filesystem::path& path, WeightSource& source) {
  GgufWriter writer(path, source.metadata(), source.tensors());
  for (size_t i = 0; i < source.tensors().size(); ++i) {
    writer.write_tensor(source.data(i));
    source.release(i);
  }
  writer.commit();
}

}  // namespace hone
