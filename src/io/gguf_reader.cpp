// Reading GGUF. The file may be hostile: every count and length is compared with the bytes that are left
// before anything is allocated or read.
#include <cstring>
#include <unordered_set>

#include "base/checked.h"
#include "base/error.h"
#include "io/gguf.h"
#include "io/gguf_layout.h"

namespace hone {

namespace {

// Smallest entries a file can hold, to bound the counts of the header.
constexpr uint64_t kMinKeyValueBytes = 8 + 4 + 1;
constexpr uint64_t kMinTensorBytes = 8 + 4 + 8 + 4 + 8;

// A position in the mapped bytes; every read is checked.
class Cursor {
 public:
  Cursor(std::span<const std::byte> bytes, std::string file) : bytes_(bytes), file_(std::move(file)) {}

  const std::string& file() const noexcept { return file_; }
  uint64_t position() const noexcept { return position_; }
  uint64_t left() const noexcept { return bytes_.size() - position_; }

  const std::byte* take(uint64_t n, const char* what) {
    if (n > left())
      fail(ErrorCode::kCorruption,
           "{}: {} at byte {}: got {} bytes to the end of the file, expected {}; the file is cut "
           "off or damaged",
           file_, what, position_, left(), n);
    const std::byte* at = bytes_.data() + position_;
    position_ += n;
    return at;
  }

  template <typename T>
  T scalar(const char* what) {
    T value;
    std::memcpy(&value, take(sizeof(T), what), sizeof(T));
    return value;
  }

  std::string_view string(const char* what, uint64_t max_bytes = UINT64_MAX) {
    const uint64_t start = position_;
    const uint64_t length = scalar<uint64_t>(what);
    if (length > max_bytes)
      fail(ErrorCode::kCorruption, "{}: {} at byte {}: got length {}, expected at most {}", file_, what,
           start, length, max_bytes);
    return {reinterpret_cast<const char*>(take(length, what)), static_cast<size_t>(length)};
  }

  // A count of items that take at least item_bytes each.
  uint64_t count(const char* what, uint64_t item_bytes) {
    const uint64_t start = position_;
    const uint64_t n = scalar<uint64_t>(what);
    check_count(n, what, item_bytes, start);
    return n;
  }

  void check_count(uint64_t n, const char* what, uint64_t item_bytes, uint64_t start) const {
    if (n > left() / item_bytes)
      fail(ErrorCode::kCorruption,
           "{}: {} at byte {}: got {}, expected at most {} (what {} bytes can hold); the file is "
           "cut off or damaged",
           file_, what, start, n, left() / item_bytes, left());
  }

 private:
  std::span<const std::byte> bytes_;
  std::string file_;
  uint64_t position_ = 0;
};

MetaType read_type(Cursor& in, std::string_view key) {
  const uint64_t start = in.position();
  const uint32_t type = in.scalar<uint32_t>("metadata value type");
  if (type > static_cast<uint32_t>(MetaType::kF64))
    fail(ErrorCode::kCorruption, "{}: metadata key {} at byte {}: got value type {}, expected 0 to {}",
         in.file(), printable(key), start, type, static_cast<uint32_t>(MetaType::kF64));
  return static_cast<MetaType>(type);
}

template <typename T>
std::vector<T> read_items(Cursor& in, uint64_t n, auto read_one) {
  std::vector<T> out;
  out.reserve(n);  // bounded by the caller's count check
  for (uint64_t i = 0; i < n; ++i) out.push_back(read_one(in));
  return out;
}

uint64_t read_bool(Cursor& in) {
  const uint64_t start = in.position();
  const uint8_t value = in.scalar<uint8_t>("metadata bool");
  if (value > 1)
    fail(ErrorCode::kCorruption, "{}: metadata bool at byte {}: got {}, expected 0 or 1", in.file(), start,
         value);
  return value;
}

template <typename T, typename Wide>
Wide read_wide(Cursor& in) {
  return static_cast<Wide>(in.scalar<T>("metadata value"));
}

double read_f32(Cursor& in) {
  return gguf::widen(in.scalar<uint32_t>("metadata value"));
}
double read_f64(Cursor& in) {
  return in.scalar<double>("metadata value");
}
std::string read_string(Cursor& in) {
  return std::string(in.string("metadata string"));
}

// Calls with(reader) where reader(Cursor&) reads one element of this type as uint64_t, int64_t, double or
// string.
auto with_reader(MetaType type, auto with) {
  switch (type) {
    case MetaType::kU8:
      return with(read_wide<uint8_t, uint64_t>);
    case MetaType::kI8:
      return with(read_wide<int8_t, int64_t>);
    case MetaType::kU16:
      return with(read_wide<uint16_t, uint64_t>);
    case MetaType::kI16:
      return with(read_wide<int16_t, int64_t>);
    case MetaType::kU32:
      return with(read_wide<uint32_t, uint64_t>);
    case MetaType::kI32:
      return with(read_wide<int32_t, int64_t>);
    case MetaType::kU64:
      return with(read_wide<uint64_t, uint64_t>);
    case MetaType::kI64:
      return with(read_wide<int64_t, int64_t>);
    case MetaType::kF32:
      return with(read_f32);
    case MetaType::kF64:
      return with(read_f64);
    case MetaType::kBool:
      return with(read_bool);
    case MetaType::kString:
    case MetaType::kArray:
      break;
  }
  return with(read_string);
}

MetaArray read_array(Cursor& in, std::string_view key) {
  const uint64_t start = in.position();
  MetaArray out;
  out.element = read_type(in, key);
  if (out.element == MetaType::kArray)
    fail(ErrorCode::kNotSupported,
         "{}: metadata key {} at byte {}: got an array of arrays, expected numbers or strings", in.file(),
         printable(key), start);
  const uint64_t item_bytes = out.element == MetaType::kString ? 8 : gguf::scalar_bytes(out.element);
  const uint64_t n = in.count("metadata array length", item_bytes);
  with_reader(out.element,
              [&](auto reader) { out.values = read_items<decltype(reader(in))>(in, n, reader); });
  return out;
}

MetaValue read_value(Cursor& in, std::string_view key) {
  MetaValue out;
  out.type = read_type(in, key);
  if (out.type == MetaType::kArray)
    out.value = read_array(in, key);
  else
    with_reader(out.type, [&](auto reader) { out.value = reader(in); });
  return out;
}

uint32_t read_version(Cursor& in) {
  const std::string_view magic(reinterpret_cast<const char*>(in.take(4, "magic")), 4);
  if (magic != gguf::kMagic)
    fail(ErrorCode::kCorruption, "{}: magic at byte 0: got {}, expected \"GGUF\"; this is not a GGUF file",
         in.file(), printable(magic));
  const uint32_t version = in.scalar<uint32_t>("version");
  if ((version & 0xffffu) == 0 && version != 0)
    fail(ErrorCode::kNotSupported,
         "{}: version at byte 4: got a big-endian file (version {}), expected little-endian; "
         "convert it with gguf-convert-endian",
         in.file(), __builtin_bswap32(version));
  if (version != 2 && version != 3)
    fail(ErrorCode::kNotSupported, "{}: version at byte 4: got {}, expected 2 or 3", in.file(), version);
  return version;
}

const Format& read_format(Cursor& in, std::string_view name) {
  const uint64_t start = in.position();
  const uint32_t type = in.scalar<uint32_t>("tensor type");
  const Format* format = find_format(static_cast<FormatId>(type));
  if (format != nullptr) return *format;
  std::string known;
  for (const Format* f : all_formats()) known += (known.empty() ? "" : ", ") + std::string(f->name);
  fail(ErrorCode::kNotSupported, "{}: tensor {} at byte {}: got type {} ({}), expected one of: {}", in.file(),
       printable(name), start, type, gguf::tensor_type_name(type), known);
}

struct DirectoryEntry {
  TensorInfo info;
  uint64_t offset;  // relative to the data section
};

DirectoryEntry read_tensor(Cursor& in) {
  DirectoryEntry out;
  out.info.name = in.string("tensor name", gguf::kMaxNameBytes);
  const uint64_t start = in.position();
  const uint32_t n_dims = in.scalar<uint32_t>("tensor dimension count");
  if (n_dims == 0 || n_dims > gguf::kMaxDims)
    fail(ErrorCode::kCorruption, "{}: tensor {} at byte {}: got {} dimensions, expected 1 to {}", in.file(),
         printable(out.info.name), start, n_dims, gguf::kMaxDims);
  for (uint32_t i = 0; i < n_dims; ++i) out.info.shape.push_back(in.scalar<uint64_t>("tensor shape"));
  out.info.format = &read_format(in, out.info.name);
  out.offset = in.scalar<uint64_t>("tensor offset");
  return out;
}

Metadata read_metadata(Cursor& in, uint64_t n) {
  Metadata out;
  for (uint64_t i = 0; i < n; ++i) {
    const uint64_t start = in.position();
    const std::string_view key = in.string("metadata key", gguf::kMaxNameBytes);
    if (out.find(key) != nullptr)
      fail(ErrorCode::kCorruption, "{}: metadata key {} at byte {}: got it twice, expected it once",
           in.file(), printable(key), start);
    out.set(std::string(key), read_value(in, key));
  }
  return out;
}

}  // namespace

GgufFile::GgufFile(const std::filesystem::path& path) : file_(path) {
  const std::string where = path.string();
  Cursor in(file_.bytes(), where);
  version_ = read_version(in);
  const uint64_t n_tensors = in.scalar<uint64_t>("tensor count");
  const uint64_t n_keys = in.count("metadata count", kMinKeyValueBytes);
  in.check_count(n_tensors, "tensor count", kMinTensorBytes, 8);
  metadata_ = read_metadata(in, n_keys);
  const uint64_t alignment = gguf::alignment_of(metadata_, where);

  in.check_count(n_tensors, "tensor count", kMinTensorBytes, 8);
  std::unordered_set<std::string_view> names;
  tensors_.reserve(n_tensors);  // the names must not move
  offsets_.reserve(n_tensors);
  uint64_t expected = 0;
  for (uint64_t i = 0; i < n_tensors; ++i) {
    const uint64_t start = in.position();
    DirectoryEntry entry = read_tensor(in);
    const uint64_t bytes = gguf::checked_tensor_bytes(entry.info, where);
    // As in llama.cpp: tensors lie in directory order, each padded to the alignment. Nothing can overlap.
    if (entry.offset != expected)
      fail(ErrorCode::kCorruption, "{}: tensor {} at byte {}: got data offset {}, expected {}", where,
           printable(entry.info.name), start, entry.offset, expected);
    expected = gguf::padded(checked_add(expected, bytes, where.c_str()), alignment, where);
    tensors_.push_back(std::move(entry.info));
    offsets_.push_back(entry.offset);
    if (!names.insert(tensors_.back().name).second)
      fail(ErrorCode::kCorruption, "{}: tensor {} at byte {}: got it twice, expected it once", where,
           printable(tensors_.back().name), start);
  }

  const uint64_t data_start = gguf::padded(in.position(), alignment, where);
  const uint64_t size = file_.bytes().size();
  for (size_t i = 0; i < tensors_.size(); ++i) {
    offsets_[i] = checked_add(offsets_[i], data_start, where.c_str());
    const uint64_t end = checked_add(offsets_[i], tensors_[i].n_bytes(), where.c_str());
    if (end > size)
      fail(ErrorCode::kCorruption,
           "{}: tensor {}: got a file of {} bytes, expected at least {}; the file is cut off or "
           "damaged",
           where, printable(tensors_[i].name), size, end);
  }
}

std::span<const std::byte> GgufFile::data(size_t i) {
  HONE_CHECK(i < tensors_.size(), "i={} n={}", i, tensors_.size());
  return file_.bytes().subspan(offsets_[i], tensors_[i].n_bytes());
}

void GgufFile::release(size_t i) {
  file_.release(data(i));
}

}  // namespace hone
