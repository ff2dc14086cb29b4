// Reading and writing safetensors. The header's text is safetensors_header.cpp's business; sizes and offsets
// are checked here.
#include "io/safetensors.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "base/atomic_file.h"
#include "base/checked.h"
#include "base/error.h"
#include "io/safetensors_header.h"
#include "io/weight_source.h"

namespace hone {

namespace {

constexpr uint64_t kLengthBytes = sizeof(uint64_t);
constexpr uint64_t kAlignment = 8;

uint64_t expected_bytes(std::string_view name, std::string_view dtype, const std::vector<uint64_t>& shape,
                        const std::string& where) {
  const uint64_t bits = safetensors::dtype_bits(dtype);
  if (bits == 0)
    fail(ErrorCode::kNotSupported, "{}: tensor {}: got dtype {}, expected one that safetensors defines",
         where, printable(name), printable(dtype));
  // A zero dimension makes the tensor empty, however large the others are.
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return 0;
  uint64_t total = bits;
  for (const uint64_t d : shape) total = checked_mul(total, d, where.c_str());
  if (total % 8 != 0)
    fail(ErrorCode::kCorruption, "{}: tensor {}: got {} bits, expected whole bytes", where, printable(name),
         total);
  return total / 8;
}

std::string_view header_text(std::span<const std::byte> bytes, const std::string& where) {
  if (bytes.size() < kLengthBytes)
    fail(ErrorCode::kCorruption, "{}: header length at byte 0: got a file of {} bytes, expected at least {}",
         where, bytes.size(), kLengthBytes);
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), kLengthBytes);
  if (length > safetensors::kMaxHeaderBytes)
    fail(ErrorCode::kCorruption,
         "{}: header length at byte 0: got {}, expected at most {}; this is not a safetensors "
         "file",
         where, length, safetensors::kMaxHeaderBytes);
  if (length > bytes.size() - kLengthBytes)
    fail(ErrorCode::kCorruption,
         "{}: header length at byte 0: got {}, expected at most {} (the rest of the file); the "
         "file is cut off or damaged",
         where, length, bytes.size() - kLengthBytes);
  return {reinterpret_cast<const char*>(bytes.data()) + kLengthBytes, static_cast<size_t>(length)};
}

// Sorts by position and checks that the tensors cover the data section exactly once.
void check_layout(std::vector<safetensors::Entry>& entries, uint64_t data_bytes, const std::string& where) {
  std::sort(entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return a.offsets < b.offsets; });
  uint64_t position = 0;
  for (const safetensors::Entry& entry : entries) {
    const uint64_t begin = entry.offsets[0];
    const uint64_t end = entry.offsets[1];
    if (begin > end || end > data_bytes)
      fail(ErrorCode::kCorruption,
           "{}: tensor {}: got data_offsets [{}, {}], expected them in order and within {} bytes "
           "of data",
           where, printable(entry.name), begin, end, data_bytes);
    if (begin != position)
      fail(ErrorCode::kCorruption,
           "{}: tensor {}: got data_offsets from {}, expected {} (the end of the tensor before "
           "it); {}",
           where, printable(entry.name), begin, position,
           begin < position ? "they overlap" : "there is a hole");
    const uint64_t expected = expected_bytes(entry.name, entry.dtype, entry.shape, where);
    if (end - begin != expected)
      fail(ErrorCode::kCorruption, "{}: tensor {}: got {} bytes, expected {} for its dtype and shape", where,
           printable(entry.name), end - begin, expected);
    position = end;
  }
  if (position != data_bytes)
    fail(ErrorCode::kCorruption, "{}: data: got {} bytes, expected {} (the end of the last tensor)", where,
         data_bytes, position);
}

std::string json_string(std::string_view text) {
  try {
    return nlohmann::json(text).dump();
  } catch (const nlohmann::json::exception&) {
    fail(ErrorCode::kInvalidArgument, "safetensors: got the text {}, expected valid UTF-8", printable(text));
  }
}

std::string make_header(const std::vector<const SafeTensor*>& tensors,
                        const std::map<std::string, std::string>& metadata) {
  std::string out = "{";
  if (!metadata.empty()) {
    out += json_string(safetensors::kMetadataKey) + ":{";
    for (const auto& [key, value] : metadata) out += json_string(key) + ":" + json_string(value) + ",";
    out.back() = '}';
    out += ',';
  }
  uint64_t offset = 0;
  for (const SafeTensor* tensor : tensors) {
    out += fmt::format("{}:{{\"dtype\":{},\"shape\":[{}],\"data_offsets\":[{},{}]}},",
                       json_string(tensor->name), json_string(tensor->dtype), fmt::join(tensor->shape, ","),
                       offset, offset + tensor->data.size());
    offset += tensor->data.size();
  }
  if (out.back() == ',') out.pop_back();
  out += '}';
  // The data begin aligned; spaces after the object are allowed for this.
  out.resize((out.size() + kAlignment - 1) / kAlignment * kAlignment, ' ');
  return out;
}

}  // namespace

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path) : file_(path) {
  const std::string where = path.string();
  const std::span<const std::byte> bytes = file_.bytes();
  const std::string_view text = header_text(bytes, where);
  const std::span<const std::byte> data = bytes.subspan(kLengthBytes + text.size());
  safetensors::Header header = safetensors::parse_header(text, where);
  check_layout(header.entries, data.size(), where);
  metadata_ = std::move(header.metadata);
  tensors_.reserve(header.entries.size());
  for (safetensors::Entry& entry : header.entries)
    tensors_.push_back({std::move(entry.name), std::move(entry.dtype), std::move(entry.shape),
                        data.subspan(entry.offsets[0], entry.offsets[1] - entry.offsets[0])});
}

const SafeTensor* SafetensorsFile::find(std::string_view name) const noexcept {
  for (const SafeTensor& tensor : tensors_)
    if (tensor.name == name) return &tensor;
  return nullptr;
}

namespace {

struct FloatDtype {
  FormatId id;
  const char* dtype;
};
constexpr std::array<FloatDtype, 3> kFloatDtypes = {
    {{FormatId::kF32, "F32"}, {FormatId::kF16, "F16"}, {FormatId::kBF16, "BF16"}}};

}  // namespace

std::string safetensors_dtype(const Format& format) {
  for (const FloatDtype& row : kFloatDtypes)
    if (row.id == format.id) return row.dtype;
  fail(ErrorCode::kNotSupported, "safetensors: got format {}, expected f32, f16 or bf16", format.name);
}

const Format* format_of_dtype(std::string_view dtype) noexcept {
  for (const FloatDtype& row : kFloatDtypes)
    if (row.dtype == dtype) return find_format(row.id);
  return nullptr;
}

void write_safetensors(const std::filesystem::path& path, const std::vector<SafeTensor>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  const std::string where = path.string();
  std::unordered_set<std::string_view> names = {safetensors::kMetadataKey};
  std::vector<const SafeTensor*> order;
  for (const SafeTensor& tensor : tensors) {
    if (!names.insert(tensor.name).second)
      fail(ErrorCode::kInvalidArgument, "{}: tensor {}: got it twice, or a reserved name", where,
           printable(tensor.name));
    const uint64_t expected = expected_bytes(tensor.name, tensor.dtype, tensor.shape, where);
    if (tensor.data.size() != expected)
      fail(ErrorCode::kInvalidArgument, "{}: tensor {}: got {} bytes, expected {} for its dtype and shape",
           where, printable(tensor.name), tensor.data.size(), expected);
    order.push_back(&tensor);
  }
  // Wide elements first, so that every tensor is aligned to its element.
  std::stable_sort(order.begin(), order.end(), [](const SafeTensor* a, const SafeTensor* b) {
    return safetensors::dtype_bits(a->dtype) > safetensors::dtype_bits(b->dtype);
  });
  const std::string header = make_header(order, metadata);
  if (header.size() > safetensors::kMaxHeaderBytes)
    fail(ErrorCode::kInvalidArgument, "{}: header: got {} bytes, expected at most {}", where, header.size(),
         safetensors::kMaxHeaderBytes);
  AtomicFile out(path);
  std::array<std::byte, kLengthBytes> length;
  const uint64_t header_bytes = header.size();
  std::memcpy(length.data(), &header_bytes, kLengthBytes);
  out.write(length);
  out.write(header);
  for (const SafeTensor* tensor : order) out.write(tensor->data);
  out.commit();
}

}  // namespace hone
