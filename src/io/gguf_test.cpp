// GGUF against files made by the gguf package: what is read, and that writing gives the same bytes back.
#include "io/gguf.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "io/gguf_layout.h"
#include "io/memory_source.h"
#include "io/test_support.h"

namespace hone {
namespace {

TEST(Gguf, ReadsEveryMetadataType) {
  GgufFile file(golden("all_types.gguf"));
  const Metadata& m = file.metadata();
  EXPECT_EQ(file.version(), 3u);
  EXPECT_EQ(m.entries().front().first, "general.architecture");
  EXPECT_EQ(m.string("general.architecture"), "llama");
  EXPECT_EQ(m.integer("t.u8"), 200u);
  EXPECT_EQ(m.number("t.i8"), -100);
  EXPECT_EQ(m.integer("t.u16"), 65000u);
  EXPECT_EQ(m.number("t.i16"), -32000);
  EXPECT_EQ(m.integer("t.u32"), 4000000000u);
  EXPECT_EQ(m.number("t.i32"), -2000000000);
  EXPECT_EQ(m.number("t.f32"), static_cast<double>(0.1f));
  EXPECT_TRUE(std::isnan(m.number("t.nan")));
  EXPECT_EQ(m.number("t.inf"), -std::numeric_limits<double>::infinity());
  EXPECT_EQ(m.find_bool("t.true"), true);
  EXPECT_EQ(m.find_bool("t.false"), false);
  EXPECT_EQ(m.string("t.string"), std::string("straße 北京 \xf0\x9f\x98\x80\0end", 23));
  EXPECT_EQ(m.integer("t.u64"), ~0ull);
  EXPECT_EQ(std::get<int64_t>(m.find("t.i64")->value), INT64_MIN);
  EXPECT_EQ(m.number("t.f64"), 0.1);
}

TEST(Gguf, ReadsEveryArrayType) {
  GgufFile file(golden("all_types.gguf"));
  const Metadata& m = file.metadata();
  EXPECT_EQ(m.integers("a.uint8"), (std::vector<int64_t>{0, 255}));
  EXPECT_EQ(m.integers("a.int8"), (std::vector<int64_t>{-128, 127}));
  EXPECT_EQ(m.integers("a.uint16"), (std::vector<int64_t>{0, 65535}));
  EXPECT_EQ(m.integers("a.int16"), (std::vector<int64_t>{-32768, 5}));
  EXPECT_EQ(m.integers("a.uint32"), (std::vector<int64_t>{1, 4294967295}));
  EXPECT_EQ(m.integers("a.int32"), (std::vector<int64_t>{-1, 2147483647, 0}));
  EXPECT_EQ(m.numbers("a.float32"), (std::vector<double>{static_cast<double>(0.1f), -0.0, 3.5}));
  EXPECT_EQ(m.integers("a.bool"), (std::vector<int64_t>{1, 0, 1}));
  EXPECT_EQ(m.strings("a.string"), (std::vector<std::string>{"", "Ġhello", "a\nb"}));
  EXPECT_EQ(m.numbers("a.uint64"), (std::vector<double>{0x1p64}));
  EXPECT_EQ(m.integers("a.int64"), (std::vector<int64_t>{-5, 6}));
  EXPECT_EQ(m.numbers("a.float64"), (std::vector<double>{0.1, 1e300}));
  EXPECT_EQ(std::get<MetaArray>(m.find("a.int16")->value).element, MetaType::kI16);
}

TEST(Gguf, ReadsEveryTensorFormat) {
  GgufFile file(golden("all_types.gguf"));
  ASSERT_EQ(file.tensors().size(), all_formats().size() + 2);
  for (const Format* format : all_formats()) {
    const auto i = file.find("blk.0." + std::string(format->name) + ".weight");
    ASSERT_TRUE(i.has_value()) << format->name;
    const TensorInfo& tensor = file.tensors()[*i];
    EXPECT_EQ(tensor.format, format);
    const size_t columns = std::max<size_t>(64, format->block_elems);
    EXPECT_EQ(tensor.shape, (std::vector<uint64_t>{columns, 2}));
    EXPECT_EQ(file.data(*i).size(), format->bytes(2 * columns));
    EXPECT_EQ((file.data(*i).data() - file.data(0).data()) % 32, 0);
    file.release(*i);
    std::vector<float> values(2 * columns);
    format->to_float(file.data(*i).data(), values.data(), values.size());
    double power = 0;
    for (const float v : values) power += static_cast<double>(v) * v;
    // Unit normal data: a wrong offset gives nonsense.
    EXPECT_NEAR(power / static_cast<double>(values.size()), 1.0, 0.4) << format->name;
  }
  EXPECT_EQ(file.tensors()[*file.find("conv.weight")].shape, (std::vector<uint64_t>{4, 3, 1, 2}));
  EXPECT_EQ(file.tensors()[*file.find("norm.weight")].shape, (std::vector<uint64_t>{5}));
  EXPECT_FALSE(file.find("norm.bias").has_value());
}

TEST(Gguf, WritesBackTheSameBytes) {
  for (const char* name : {"all_types.gguf", "alignment64.gguf"}) {
    GgufFile file(golden(name));
    const ScratchFile copy;
    write_gguf(copy.path(), file);
    EXPECT_TRUE(read_file(copy.path()) == read_file(golden(name))) << name;
  }
}

TEST(Gguf, RespectsAlignment) {
  GgufFile file(golden("alignment64.gguf"));
  EXPECT_EQ(file.metadata().integer("general.alignment"), 64u);
  EXPECT_EQ(file.data(1).data() - file.data(0).data(), 64);
  float last = 0;
  std::memcpy(&last, file.data(2).data() + 16, 4);
  EXPECT_EQ(last, 4.0f);
}

TEST(Gguf, ReadsVersion2) {
  std::string bytes = read_file(golden("alignment64.gguf"));
  bytes[4] = 2;
  const ScratchFile scratch(bytes);
  GgufFile file(scratch.path());
  EXPECT_EQ(file.version(), 2u);
  const ScratchFile copy;
  write_gguf(copy.path(), file);
  EXPECT_TRUE(read_file(copy.path()) == read_file(golden("alignment64.gguf")));  // written as version 3
}

TEST(Gguf, KeepsEveryNanPayload) {
  for (const uint32_t bits : {0x7f800001u, 0xff812345u, 0x7fc00000u, 0xffffffffu, 0x7f800000u, 0x80000001u})
    EXPECT_EQ(gguf::narrow(gguf::widen(bits)), bits);
  EXPECT_TRUE(std::isnan(gguf::widen(0x7f800001u)));
  EXPECT_EQ(gguf::narrow(0.1), std::bit_cast<uint32_t>(0.1f));
  EXPECT_EQ(gguf::narrow(std::bit_cast<double>(0x7ff0000000000001u)), 0x7fc00000u);
}

Metadata architecture() {
  Metadata m;
  m.set_string("general.architecture", "llama");
  return m;
}

TEST(GgufWriter, RoundTripsAMemorySource) {
  const std::vector<float> x = {1, 2, 3, 4, 5, 6};
  std::vector<MemoryTensor> tensors;
  tensors.push_back(make_tensor("a", {3, 2}, format_named("f32"), x));
  tensors.push_back(make_tensor("b", {6}, format_named("bf16"), x));
  MemorySource source(architecture(), std::move(tensors));
  EXPECT_EQ(source.file_bytes(), 36u);
  const ScratchFile scratch;
  write_gguf(scratch.path(), source);
  GgufFile file(scratch.path());
  ASSERT_EQ(file.tensors().size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(file.tensors()[i].name, source.tensors()[i].name);
    EXPECT_EQ(file.tensors()[i].shape, source.tensors()[i].shape);
    ASSERT_EQ(file.data(i).size(), source.data(i).size());
    EXPECT_EQ(std::memcmp(file.data(i).data(), source.data(i).data(), file.data(i).size()), 0);
  }
}

TEST(GgufWriter, WritesAFileWithoutTensors) {
  MemorySource source(architecture(), {});
  const ScratchFile scratch;
  write_gguf(scratch.path(), source);
  GgufFile file(scratch.path());
  EXPECT_TRUE(file.tensors().empty());
  EXPECT_EQ(file.metadata().string("general.architecture"), "llama");
}

TEST(GgufWriter, LeavesTheOldFileAloneUntilCommit) {
  const ScratchFile scratch("precious");
  {
    GgufWriter writer(scratch.path(), architecture(), {{"a", {4}, &format_named("f32")}});
    writer.write_tensor(std::vector<std::byte>(16));
  }
  EXPECT_EQ(read_file(scratch.path()), "precious");
}

TEST(GgufWriter, RefusesWhatReadersRefuse) {
  const Format& q8 = format_named("q8_0");
  const auto write = [](std::vector<TensorInfo> tensors, const Metadata& metadata = architecture()) {
    const ScratchFile scratch;
    GgufWriter(scratch.path(), metadata, std::move(tensors));
  };
  expect_error(ErrorCode::kCorruption, "rows of 33 elements", [&] { write({{"a", {33}, &q8}}); });
  expect_error(ErrorCode::kCorruption, "0 dimensions", [&] { write({{"a", {}, &q8}}); });
  expect_error(ErrorCode::kCorruption, "5 dimensions", [&] { write({{"a", {32, 1, 1, 1, 1}, &q8}}); });
  expect_error(ErrorCode::kCorruption, "dimension of 0", [&] { write({{"a", {32, 0}, &q8}}); });
  expect_error(ErrorCode::kCorruption, "overflows", [&] { write({{"a", {1ull << 40, 1ull << 40}, &q8}}); });
  expect_error(ErrorCode::kInvalidArgument, "twice", [&] { write({{"a", {32}, &q8}, {"a", {32}, &q8}}); });
  expect_error(ErrorCode::kNotSupported, "64 bytes", [&] { write({{std::string(64, 'n'), {32}, &q8}}); });
  Metadata odd = architecture();
  odd.set_u32("general.alignment", 24);
  expect_error(ErrorCode::kCorruption, "power of two", [&] { write({}, odd); });
  Metadata wide = architecture();
  wide.set("x", {MetaType::kU8, uint64_t{256}});
  expect_error(ErrorCode::kInvalidArgument, "got 256, which does not fit u8", [&] { write({}, wide); });
  wide.set("x", {MetaType::kI16, int64_t{-32769}});
  expect_error(ErrorCode::kInvalidArgument, "does not fit i16", [&] { write({}, wide); });
  wide.set("x", {MetaType::kBool, uint64_t{2}});
  expect_error(ErrorCode::kInvalidArgument, "does not fit bool", [&] { write({}, wide); });
}

TEST(GgufWriterDeathTest, UnfinishedCommitIsAProgrammersError) {
  EXPECT_DEATH(
      {
        const ScratchFile scratch;
        GgufWriter writer(scratch.path(), architecture(), {{"a", {4}, &format_named("f32")}});
        writer.commit();
      },
      "written=0 expected=1");
}

TEST(MemorySource, ChecksItsTensors) {
  const auto make = [](std::vector<MemoryTensor> tensors) { MemorySource(Metadata(), std::move(tensors)); };
  const TensorInfo info{"a", {4}, &format_named("f32")};
  expect_error(ErrorCode::kInvalidArgument, "got 15 bytes, expected 16", [&] {
    make({{info, std::vector<std::byte>(15)}});
  });
  const std::vector<std::byte> bytes(16);
  expect_error(ErrorCode::kInvalidArgument, "twice", [&] { make({{info, bytes}, {info, bytes}}); });
}

}  // namespace
}  // namespace hone
