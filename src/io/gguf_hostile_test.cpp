// Damaged and hostile GGUF files: every one is refused with a message, none crashes, hangs or allocates
// wildly.
#include "io/gguf.h"
#include "io/gguf_layout.h"
#include "io/test_support.h"

namespace hone {
namespace {

constexpr auto kU8 = static_cast<uint32_t>(MetaType::kU8);
constexpr auto kU32 = static_cast<uint32_t>(MetaType::kU32);
constexpr auto kBool = static_cast<uint32_t>(MetaType::kBool);
constexpr auto kString = static_cast<uint32_t>(MetaType::kString);
constexpr auto kArray = static_cast<uint32_t>(MetaType::kArray);
constexpr uint64_t kHuge = 1ull << 60;

ByteBuilder header(uint64_t n_tensors, uint64_t n_keys, uint32_t version = 3) {
  return ByteBuilder().raw("GGUF").put(version).put(n_tensors).put(n_keys);
}

ByteBuilder& tensor(ByteBuilder& out, std::string_view name, std::vector<uint64_t> shape, uint32_t type,
                    uint64_t offset) {
  out.string(name).put(static_cast<uint32_t>(shape.size()));
  for (const uint64_t d : shape) out.put(d);
  return out.put(type).put(offset);
}

void refused(ErrorCode code, std::string_view text, const std::string& bytes) {
  const ScratchFile scratch(bytes);
  expect_error(code, text, [&] { GgufFile file(scratch.path()); });
}

void corrupt(std::string_view text, const std::string& bytes) {
  refused(ErrorCode::kCorruption, text, bytes);
}

// Padding that lets counts pass their first check.
std::string filled(const ByteBuilder& out) {
  return out.bytes() + std::string(4096, '\0');
}

TEST(GgufHostile, NotAGgufFile) {
  corrupt("magic at byte 0: got 0 bytes", "");
  corrupt("magic at byte 0: got 3 bytes", "GGU");
  corrupt("got \"GGML\"", ByteBuilder().raw("GGML").put<uint32_t>(3).bytes());
  corrupt("version at byte 4", "GGUF");
}

TEST(GgufHostile, Versions) {
  for (const uint32_t version : {0u, 1u, 4u, 0x12345678u})
    refused(ErrorCode::kNotSupported, "expected 2 or 3", header(0, 0, version).bytes());
  refused(ErrorCode::kNotSupported, "big-endian file (version 3)", header(0, 0, 0x03000000u).bytes());
}

TEST(GgufHostile, Counts) {
  for (const uint64_t n : {kHuge, ~uint64_t{0}, uint64_t{1000}}) {
    corrupt("tensor count at byte 8", header(n, 0).bytes());
    corrupt("metadata count at byte 16", header(0, n).bytes());
  }
  // A count that the whole file could hold, but not what is left after the metadata.
  ByteBuilder out = header(2, 1);
  out.string("k").put(kString).string(std::string(100, 'x'));
  corrupt("tensor count", out.bytes());
}

TEST(GgufHostile, Strings) {
  for (const uint64_t n : {kHuge, ~uint64_t{0}, uint64_t{70000}})
    corrupt("metadata key at byte 24", filled(header(0, 1).put(n)));
  corrupt("metadata string at byte", filled(header(0, 1).string("k").put(kString).put(kHuge)));
  corrupt("metadata string at byte", filled(header(0, 1).string("k").put(kString).put(~0ull)));
  corrupt("tensor name at byte 24", filled(header(1, 0).put(kHuge)));
}

TEST(GgufHostile, ValueTypes) {
  corrupt("got value type 13, expected 0 to 12", filled(header(0, 1).string("k").put<uint32_t>(13)));
  corrupt("got value type 4294967295", filled(header(0, 1).string("k").put(~0u)));
  corrupt("got value type 99", filled(header(0, 1).string("k").put(kArray).put<uint32_t>(99)));
  corrupt("bool at byte", filled(header(0, 1).string("k").put(kBool).put<uint8_t>(2)));
  corrupt("bool at byte",
          filled(header(0, 1).string("k").put(kArray).put(kBool).put<uint64_t>(1).put<uint8_t>(9)));
}

TEST(GgufHostile, Arrays) {
  for (const uint64_t n : {kHuge, ~uint64_t{0}, uint64_t{5000}})
    for (const uint32_t type : {kU8, kU32, kString, kBool})
      corrupt("metadata array length", filled(header(0, 1).string("k").put(kArray).put(type).put(n)));
  refused(ErrorCode::kNotSupported, "\"k\" at byte 37: got an array of arrays",
          filled(header(0, 1).string("k").put(kArray).put(kArray).put<uint64_t>(1)));
}

TEST(GgufHostile, DuplicateNames) {
  ByteBuilder keys = header(0, 2);
  for (int i = 0; i < 2; ++i) keys.string("same").put(kU32).put(7u);
  corrupt("metadata key \"same\" at byte 44: got it twice", keys.bytes());
  ByteBuilder names = header(2, 0);
  tensor(names, "same", {8}, 0, 0);
  tensor(names, "same", {8}, 0, 32);
  corrupt("tensor \"same\" at byte 60: got it twice", filled(names));
}

TEST(GgufHostile, ManyKeysAreReadInLinearTime) {
  constexpr uint64_t kKeys = 200000;
  ByteBuilder out = header(0, kKeys);
  for (uint64_t i = 0; i < kKeys; ++i) out.string(std::to_string(i)).put(kU8).put<uint8_t>(1);
  const ScratchFile scratch(out.bytes());
  EXPECT_EQ(GgufFile(scratch.path()).metadata().entries().size(), kKeys);
}

TEST(GgufHostile, Alignment) {
  const auto with = [](uint32_t type, uint32_t value) {
    return filled(header(0, 1).string("general.alignment").put(type).put(value));
  };
  for (const uint32_t value : {0u, 3u, 48u, ~0u}) corrupt("expected a power of two", with(kU32, value));
  corrupt("got type i32, expected u32", with(static_cast<uint32_t>(MetaType::kI32), 32));
  const ScratchFile scratch(with(kU32, 1u << 31));  // absurd, yet nothing depends on it
  EXPECT_TRUE(GgufFile(scratch.path()).tensors().empty());
}

TEST(GgufHostile, Shapes) {
  const auto with = [](std::vector<uint64_t> shape, uint32_t type = 0) {
    ByteBuilder out = header(1, 0);
    return filled(tensor(out, "w", std::move(shape), type, 0));
  };
  corrupt("tensor \"w\" at byte 33: got 0 dimensions", with({}));
  corrupt("got 5 dimensions", with({1, 1, 1, 1, 1}));
  corrupt("dimension of 0", with({4, 0}));
  corrupt("overflows", with({1ull << 32, 1ull << 32}));
  corrupt("overflows", with({~0ull, ~0ull, ~0ull, ~0ull}));
  corrupt("overflows", with({1ull << 62}));  // elements fit, bytes do not
  corrupt("overflows", with({~0ull}));
  corrupt("expected at least", with({1ull << 40}));
  corrupt("rows of 31 elements, expected a multiple of 32 for q4_0", with({31, 32}, 2));
}

TEST(GgufHostile, TensorTypes) {
  const auto with = [](uint32_t type) {
    ByteBuilder out = header(1, 0);
    return filled(tensor(out, "blk.0.w", {256}, type, 0));
  };
  refused(ErrorCode::kNotSupported,
          "tensor \"blk.0.w\" at byte 51: got type 15 (q8_k), expected one of: f32, f16", with(15));
  refused(ErrorCode::kNotSupported, "got type 4294967295 (unknown)", with(~0u));
}

TEST(GgufHostile, Offsets) {
  const auto with = [](uint64_t first, uint64_t second) {
    ByteBuilder out = header(2, 0);
    tensor(out, "a", {9}, 0, first);
    tensor(out, "b", {9}, 0, second);
    return filled(out);
  };
  const ScratchFile good(with(0, 64));
  EXPECT_EQ(GgufFile(good.path()).tensors().size(), 2u);
  corrupt("tensor \"a\" at byte 24: got data offset 32, expected 0", with(32, 64));
  corrupt("got data offset 32, expected 64", with(0, 32));  // overlaps
  corrupt("got data offset 0, expected 64", with(0, 0));
  corrupt("got data offset 65, expected 64", with(0, 65));  // misaligned
  corrupt("got data offset 96, expected 64", with(0, 96));  // a hole
  corrupt("got data offset 18446744073709551615", with(0, ~0ull));
}

TEST(GgufHostile, DataSection) {
  ByteBuilder out = header(1, 0);
  tensor(out, "w", {8}, 0, 0).pad(32);
  corrupt("tensor \"w\": got a file of 64 bytes, expected at least 96", out.bytes());
  const ScratchFile exact(out.bytes() + std::string(32, 'x'));
  EXPECT_EQ(GgufFile(exact.path()).data(0).size(), 32u);
}

TEST(GgufHostile, ControlCharactersDoNotReachTheTerminal) {
  const ScratchFile scratch(filled(header(0, 1).string("\x1b[31mred").put<uint32_t>(77)));
  try {
    GgufFile file(scratch.path());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).find('\x1b'), std::string::npos);
  }
}

TEST(GgufHostile, MissingFile) {
  expect_error(ErrorCode::kNotFound, "cannot open", [] { GgufFile file("/nonexistent/model.gguf"); });
}

TEST(GgufHostile, EveryPrefixIsRefused) {
  for (const char* name : {"all_types.gguf", "alignment64.gguf"}) {
    const std::string bytes = read_file(golden(name));
    // What follows the last tensor is padding, which readers do not ask for.
    const size_t needed =
        bytes.size() - (name == std::string_view("alignment64.gguf") ? 64 - 5 * sizeof(float) : 0);
    const ScratchFile scratch;
    for (size_t n = 0; n < needed; ++n) {
      scratch.set(std::string_view(bytes).substr(0, n));
      EXPECT_THROW(GgufFile file(scratch.path()), Error) << name << " cut to " << n;
    }
    scratch.set(std::string_view(bytes).substr(0, needed));
    EXPECT_NO_THROW(GgufFile file(scratch.path())) << name;
  }
}

TEST(GgufHostile, EveryFlippedBitIsReadOrRefused) {
  std::string bytes = read_file(golden("all_types.gguf"));
  size_t header_bytes = bytes.size();
  const GgufFile file(golden("all_types.gguf"));
  for (const TensorInfo& tensor : file.tensors()) header_bytes -= gguf::padded(tensor.n_bytes(), 32, "");
  const ScratchFile scratch;
  size_t refusals = 0;
  for (size_t bit = 0; bit < header_bytes * 8; ++bit) {
    const char mask = static_cast<char>(1 << (bit % 8));
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ mask);
    scratch.set(bytes);
    try {
      GgufFile flipped(scratch.path());
      for (size_t i = 0; i < flipped.tensors().size(); ++i)
        ASSERT_EQ(flipped.data(i).size(), flipped.tensors()[i].n_bytes());
    } catch (const Error&) {
      ++refusals;
    }
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ mask);
  }
  EXPECT_GT(refusals, 1000u);
}

}  // namespace
}  // namespace hone
