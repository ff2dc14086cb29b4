// Published defects of GGUF readers, as files: each is refused here. docs/guide/security.md lists them.
#include "hostile.h"

namespace hone::hardening {
namespace {

constexpr uint32_t kU8 = 0, kU32 = 4, kI32 = 5, kString = 8, kArray = 9, kU64 = 10;
constexpr auto kCorrupt = ErrorCode::kCorruption;

ByteBuilder header(uint64_t n_tensors, uint64_t n_keys) {
  return ByteBuilder().raw("GGUF").put<uint32_t>(3).put(n_tensors).put(n_keys);
}
ByteBuilder key(uint32_t type) {
  ByteBuilder out = header(0, 1);
  return out.string("some.key").put(type);
}
std::string padded(const ByteBuilder& out, size_t n = 4096) {
  return out.bytes() + std::string(n, '\0');
}
std::string tensor(const std::vector<uint64_t>& shape, uint32_t type = 0, uint64_t offset = 0) {
  ByteBuilder out = header(1, 0);
  out.string("w").put(static_cast<uint32_t>(shape.size()));
  for (const uint64_t d : shape) out.put(d);
  return padded(out.put(type).put(offset));
}

// CVE-2024-25664, CVE-2024-23605: the number of keys times an entry's size wraps.
TEST(Published, KeyCount) {
  for (const uint64_t n : {uint64_t{1} << 58, uint64_t{0x555555555555556}, ~uint64_t{0}})
    expect_refused(kCorrupt, "metadata count at byte 16: got", padded(header(0, n)));
}

// CVE-2024-25666, CVE-2024-21836: the number of tensors does. CVE-2026-27940: so that the sum over all wraps.
TEST(Published, TensorCount) {
  for (const uint64_t n : {uint64_t{1} << 58, uint64_t{0xb21642c8590b21}, uint64_t{INT64_MAX}, ~uint64_t{0}})
    expect_refused(kCorrupt, "tensor count at byte 8: got", padded(header(n, 0)));
}

// CVE-2024-25665, CVE-2024-23496: a string's length plus one wraps to nothing. llama.cpp issue 19003: it is
// allocated before a byte is read.
TEST(Published, StringLength) {
  for (const uint64_t n : {~uint64_t{0}, uint64_t{1} << 40, uint64_t{0x0000000247554747}}) {
    expect_refused(kCorrupt, "metadata key at byte 24", padded(header(0, 1).put(n)));
    expect_refused(kCorrupt, "metadata string at byte", padded(key(kString).put(n)));
    expect_refused(kCorrupt, "tensor name at byte 24", padded(header(1, 0).put(n)));
  }
}

// CVE-2024-25667, CVE-2024-25668, CVE-2024-21825: an array's count times its element size wraps.
TEST(Published, ArrayLength) {
  for (const uint32_t element : {kU8, kU32, kString, kU64})
    for (const uint64_t n : {uint64_t{1} << 61, uint64_t{1} << 62, ~uint64_t{0}})
      expect_refused(kCorrupt, "metadata array length", padded(key(kArray).put(element).put(n)));
}

// CVE-2024-32878: when reading ends half way, what was never set must not be freed.
TEST(Published, ArrayOfUnknownType) {
  for (const uint32_t element : {13u, 4096u, ~0u})
    expect_refused(kCorrupt, "expected 0 to 12", padded(key(kArray).put(element).put<uint64_t>(1)));
}

// Arrays of arrays, for a reader that calls itself: the depth is the file's choice.
TEST(Published, NestedArrays) {
  ByteBuilder out = key(kArray);
  for (int depth = 0; depth < 100000; ++depth) out.put(kArray).put<uint64_t>(1);
  expect_refused(ErrorCode::kNotSupported, "got an array of arrays", padded(out));
}

// CVE-2024-21802: more dimensions than the array that takes them.
TEST(Published, DimensionCount) {
  expect_refused(kCorrupt, "got 5 dimensions, expected 1 to 4", tensor({1, 1, 1, 1, 1}));
  for (const uint32_t n : {64u, 0x40000000u, ~0u})
    expect_refused(kCorrupt, "dimensions, expected 1 to 4", padded(header(1, 0).string("w").put(n)));
}

// CVE-2026-33298, CVE-2025-53630: elements fit 64 bits, bytes or their padded sum do not. llama.cpp pull
// request 24263: a dimension of zero is divided by.
TEST(Published, TensorBytes) {
  expect_refused(kCorrupt, "overflows", tensor({uint64_t{1} << 62}));
  expect_refused(kCorrupt, "overflows", tensor({uint64_t{1} << 33, uint64_t{1} << 31}));
  expect_refused(kCorrupt, "overflows", tensor({~uint64_t{0} / 4}));
  expect_refused(kCorrupt, "overflows", tensor({uint64_t{32} << 40, 1024, 1024, 1024}, 8));
  expect_refused(kCorrupt, "dimension of 0", tensor({4, 0}));
  expect_refused(kCorrupt, "dimension of 0", tensor({0}));
  ByteBuilder sum = header(5, 0);
  for (uint64_t i = 0; i < 5; ++i)  // four times 2^62 bytes wrap around
    sum.string(fmt::format("w{}", i)).put<uint32_t>(1).put(uint64_t{1} << 60).put<uint32_t>(0).put(i << 62);
  expect_refused(kCorrupt, "overflows", padded(sum));
}

// CVE-2026-7482: a tensor longer than its file, read past the end when it is rounded.
TEST(Published, TensorLongerThanTheFile) {
  expect_refused(kCorrupt, "expected at least", tensor({uint64_t{1} << 30}));
  expect_refused(kCorrupt, "data offset", tensor({32}, 0, uint64_t{1} << 40));
  const std::string whole = model_bytes();
  expect_refused(kCorrupt, "the file is cut off or damaged", whole.substr(0, whole.size() - 64));
}

// A type number beyond the table of types, also as a negative one (llama.cpp pull request 19856).
TEST(Published, TensorType) {
  for (const uint32_t type : {41u, 0x7fffffffu, 0x80000000u, ~0u})
    expect_refused(ErrorCode::kNotSupported, "tensor \"w\" at byte 45: got type", tensor({32}, type));
}

// An alignment of zero is divided by (gguf-tools issue 27), one of another type is believed (llama.cpp pull
// request 26318), and padding to a huge one wraps.
TEST(Published, Alignment) {
  const auto with = [](uint32_t type, uint64_t value) {
    ByteBuilder out = header(0, 1);
    out.string("general.alignment").put(type);
    return padded(type == kU64 ? out.put(value) : out.put(static_cast<uint32_t>(value)));
  };
  for (const uint32_t value : {0u, 3u, 33u, ~0u})
    expect_refused(kCorrupt, "a power of two", with(kU32, value));
  expect_refused(kCorrupt, "general.alignment: got type i32, expected u32", with(kI32, 32));
  expect_refused(kCorrupt, "general.alignment: got type u64, expected u32", with(kU64, uint64_t{1} << 63));
}

// One name for two things: which of them is checked, and which is used?
TEST(Published, Duplicates) {
  ByteBuilder keys = header(0, 2);
  for (int i = 0; i < 2; ++i) keys.string("general.alignment").put(kU32).put(32u << i);
  expect_refused(kCorrupt, "got it twice", padded(keys));
  ByteBuilder names = header(2, 0);
  for (uint64_t i = 0; i < 2; ++i)
    names.string("w").put<uint32_t>(1).put<uint64_t>(8).put<uint32_t>(0).put(32 * i);
  expect_refused(kCorrupt, "got it twice", padded(names));
}

// CVE-2024-39720: a file of four bytes.
TEST(Published, FourBytes) {
  expect_refused(kCorrupt, "version at byte 4", "GGUF");
  expect_refused(kCorrupt, "magic at byte 0", "");
}

}  // namespace
}  // namespace hone::hardening
