// safetensors: files of the Python package, our own files, and damaged ones.
#include "io/safetensors.h"

#include <vector>

#include "io/test_support.h"

namespace hone {
namespace {

std::string file_of(std::string_view header, std::string_view data = {}) {
  return ByteBuilder().string(header).raw(data).bytes();
}

void refused(ErrorCode code, std::string_view text, const std::string& bytes) {
  const ScratchFile scratch(bytes);
  expect_error(code, text, [&] { SafetensorsFile file(scratch.path()); });
}

void corrupt(std::string_view text, std::string_view header, std::string_view data = "12345678") {
  refused(ErrorCode::kCorruption, text, file_of(header, data));
}

TEST(Safetensors, ReadsAFileOfThePythonPackage) {
  const SafetensorsFile file(golden("mixed.safetensors"));
  EXPECT_EQ(file.tensors().size(), 7u);
  EXPECT_EQ(file.metadata(),
            (std::map<std::string, std::string>{{"format", "pt"}, {"note", "quotes \" and ü"}}));
  const SafeTensor* a = file.find("lora.A");
  ASSERT_NE(a, nullptr);
  EXPECT_EQ(a->dtype, "F32");
  EXPECT_EQ(a->shape, (std::vector<uint64_t>{2, 3}));
  std::vector<float> values(6);
  ASSERT_EQ(a->data.size(), 24u);
  std::memcpy(values.data(), a->data.data(), 24);
  for (size_t i = 0; i < 6; ++i) EXPECT_EQ(values[i], static_cast<float>(static_cast<double>(i) / 7 - 1));
  EXPECT_EQ(file.find("lora.B")->dtype, "F16");
  EXPECT_EQ(file.find("scalar")->shape, std::vector<uint64_t>{});
  EXPECT_EQ(file.find("empty")->data.size(), 0u);
  EXPECT_EQ(file.find("empty")->shape, (std::vector<uint64_t>{0, 4}));
  EXPECT_EQ(file.find("ids")->dtype, "I64");
  EXPECT_EQ(file.find("näme \"q\"\\\n")->data.size(), 1u);
  EXPECT_EQ(file.find("missing"), nullptr);
}

TEST(Safetensors, WritesWhatItReads) {
  const SafetensorsFile original(golden("mixed.safetensors"));
  const ScratchFile scratch;
  write_safetensors(scratch.path(), original.tensors(), original.metadata());
  const SafetensorsFile copy(scratch.path());
  EXPECT_EQ(copy.metadata(), original.metadata());
  ASSERT_EQ(copy.tensors().size(), original.tensors().size());
  for (const SafeTensor& tensor : original.tensors()) {
    const SafeTensor* other = copy.find(tensor.name);
    ASSERT_NE(other, nullptr) << tensor.name;
    EXPECT_EQ(other->dtype, tensor.dtype);
    EXPECT_EQ(other->shape, tensor.shape);
    ASSERT_EQ(other->data.size(), tensor.data.size());
    EXPECT_TRUE(std::equal(other->data.begin(), other->data.end(), tensor.data.begin()));
  }
}

TEST(Safetensors, DataAreAligned) {
  const std::vector<std::byte> bytes(8);
  const std::span<const std::byte> all(bytes);
  const ScratchFile scratch;
  write_safetensors(scratch.path(), {{"a", "U8", {3}, all.first(3)}, {"b", "F64", {1}, all}});
  const SafetensorsFile file(scratch.path());
  EXPECT_EQ((file.find("b")->data.data() - file.file().bytes().data()) % 8, 0);
  EXPECT_EQ(file.tensors().front().name, "b");
}

TEST(Safetensors, EmptyFiles) {
  const ScratchFile scratch(file_of("{}"));
  EXPECT_TRUE(SafetensorsFile(scratch.path()).tensors().empty());
  write_safetensors(scratch.path(), {});
  EXPECT_TRUE(SafetensorsFile(scratch.path()).tensors().empty());
  const ScratchFile spaces(file_of("{}      "));
  EXPECT_TRUE(SafetensorsFile(spaces.path()).tensors().empty());
}

TEST(Safetensors, Dtypes) {
  EXPECT_EQ(safetensors_dtype(format_named("bf16")), "BF16");
  for (const char* name : {"f32", "f16", "bf16"})
    EXPECT_EQ(format_of_dtype(safetensors_dtype(format_named(name))), &format_named(name));
  EXPECT_EQ(format_of_dtype("I32"), nullptr);
  expect_error(ErrorCode::kNotSupported, "got format q4_0", [] { safetensors_dtype(format_named("q4_0")); });
}

TEST(Safetensors, WriterRefusesWhatReadersRefuse) {
  const std::vector<std::byte> bytes(8);
  const auto write = [](const std::vector<SafeTensor>& tensors) {
    const ScratchFile scratch;
    write_safetensors(scratch.path(), tensors);
  };
  expect_error(ErrorCode::kInvalidArgument, "got 8 bytes, expected 12", [&] {
    write({{"a", "F32", {3}, bytes}});
  });
  expect_error(ErrorCode::kInvalidArgument, "twice", [&] {
    write({{"a", "F32", {2}, bytes}, {"a", "F32", {2}, bytes}});
  });
  expect_error(ErrorCode::kInvalidArgument, "reserved", [&] {
    write({{"__metadata__", "F32", {2}, bytes}});
  });
  expect_error(ErrorCode::kNotSupported, "got dtype \"Q4\"", [&] { write({{"a", "Q4", {2}, bytes}}); });
  expect_error(ErrorCode::kInvalidArgument, "valid UTF-8", [&] { write({{"\xff", "F32", {2}, bytes}}); });
}

TEST(SafetensorsHostile, HeaderLength) {
  refused(ErrorCode::kCorruption, "got a file of 0 bytes", "");
  refused(ErrorCode::kCorruption, "got a file of 7 bytes", "1234567");
  for (const uint64_t n : {uint64_t{100'000'001}, uint64_t{1} << 60, ~uint64_t{0}})
    refused(ErrorCode::kCorruption, "expected at most 100000000", ByteBuilder().put(n).raw("{}").bytes());
  refused(ErrorCode::kCorruption, "expected at most 2 (the rest",
          ByteBuilder().put<uint64_t>(3).raw("{}").bytes());
  expect_error(ErrorCode::kNotFound, "cannot open",
               [] { SafetensorsFile file("/nonexistent/x.safetensors"); });
}

TEST(SafetensorsHostile, HeaderIsNotAnObject) {
  for (const char* text : {"", "[]", "1", "null", "\"x\"", " {}", "\xef\xbb\xbf{}"})
    corrupt("expected {", text);
}

TEST(SafetensorsHostile, BrokenJson) {
  for (const char* text : {"{", "{\"a\"", "{\"a\":}", "{}x", "{}{}", "{\"a\":{},}", "{/**/}", "{'a':1}"})
    EXPECT_THROW(
        {
          const ScratchFile scratch(file_of(text));
          SafetensorsFile file(scratch.path());
        },
        Error)
        << text;
  corrupt("not valid JSON at byte 10", "{,}");
  corrupt("not valid JSON", "{\"\xff\":1}");            // invalid UTF-8
  corrupt("not valid JSON", "{\"\xc0\xaf\":1}");        // overlong
  corrupt("not valid JSON", "{\"\xed\xa0\x80\":1}");    // surrogate
  corrupt("not valid JSON", "{\"\\ud800\":1}");         // lone surrogate escape
  corrupt("not valid JSON", std::string("{}\0\0", 4));  // padding must be spaces
}

TEST(SafetensorsHostile, Nesting) {
  std::string deep = "{\"a\":{\"dtype\":";
  for (int i = 0; i < 100000; ++i) deep += "{\"a\":";
  corrupt("tensor \"a\": got an object, expected a string", deep);
  corrupt("got an array, expected an object", "{\"a\":" + std::string(100000, '['));
  corrupt("got an array, expected a whole number",
          R"({"a":{"dtype":"U8","shape":[[8]],"data_offsets":[0,8]}})");
}

TEST(SafetensorsHostile, Duplicates) {
  constexpr const char* kTensor = R"({"dtype":"U8","shape":[8],"data_offsets":[0,8]})";
  corrupt("key \"a\": got it twice", fmt::format(R"({{"a":{0},"a":{0}}})", kTensor));
  corrupt("key \"a\": got it twice", fmt::format(R"({{"a":{0},"\u0061":{0}}})", kTensor));
  corrupt("key \"dtype\": got it twice",
          R"({"a":{"dtype":"U8","dtype":"U8","shape":[8],"data_offsets":[0,8]}})");
  corrupt("key \"__metadata__\": got it twice", R"({"__metadata__":{},"__metadata__":{}})");
  corrupt("key \"k\": got it twice", R"({"__metadata__":{"k":"1","k":"2"}})");
}

TEST(SafetensorsHostile, WrongTypes) {
  corrupt("tensor \"a\": got 1, expected an object", R"({"a":1})");
  corrupt("tensor \"a\": got null", R"({"a":null})");
  corrupt("__metadata__: got \"x\", expected an object of strings", R"({"__metadata__":"x"})");
  corrupt("__metadata__ key \"k\": got 1, expected a string", R"({"__metadata__":{"k":1}})");
  corrupt("got an object, expected a string", R"({"__metadata__":{"k":{}}})");
  corrupt("got 5, expected a string", R"({"a":{"dtype":5}})");
  corrupt("got key \"extra\"", R"({"a":{"extra":5}})");
  corrupt("dtype is missing", R"({"a":{}})");
  corrupt("shape is missing", R"({"a":{"dtype":"U8","data_offsets":[0,8]}})");
  corrupt("data_offsets is missing", R"({"a":{"dtype":"U8","shape":[8]}})");
  refused(ErrorCode::kNotSupported, "got dtype \"Q4_0\"",
          file_of(R"({"a":{"dtype":"Q4_0","shape":[8],"data_offsets":[0,8]}})", "12345678"));
}

TEST(SafetensorsHostile, Numbers) {
  const auto with = [](const char* shape, const char* offsets) {
    return fmt::format(R"({{"a":{{"dtype":"F32","shape":{},"data_offsets":{}}}}})", shape, offsets);
  };
  const ScratchFile good(file_of(with("[2]", "[0,8]"), "12345678"));
  EXPECT_EQ(SafetensorsFile(good.path()).find("a")->data.size(), 8u);
  corrupt("got -1, expected a whole number", with("[-1]", "[0,8]"));
  corrupt("got \"2.0\", expected a whole number", with("[2.0]", "[0,8]"));
  corrupt("got \"1e300\"", with("[1e300]", "[0,8]"));
  corrupt("got \"18446744073709551616\"", with("[18446744073709551616]", "[0,8]"));
  corrupt("got \"2\", expected a whole number", with("[\"2\"]", "[0,8]"));
  corrupt("got a bool", with("[true]", "[0,8]"));
  corrupt("got 1 numbers, expected 2", with("[2]", "[0]"));
  corrupt("got 3 numbers, expected 2", with("[2]", "[0,8,8]"));
  corrupt("got 0 numbers, expected 2", with("[2]", "[]"));
  corrupt("overflows", with("[4294967296,4294967296,4294967296]", "[0,8]"));
  corrupt("overflows", with("[18446744073709551615]", "[0,8]"));
  corrupt("got 8 bytes, expected 12", with("[3]", "[0,8]"));
  corrupt("got 8 bytes, expected 0", with("[0,18446744073709551615,99]", "[0,8]"));
  corrupt("within 8 bytes of data", with("[2]", "[0,9]"));
  corrupt("within 8 bytes of data", with("[2]", "[0,18446744073709551615]"));
  corrupt("expected them in order", with("[2]", "[8,0]"));
}

TEST(SafetensorsHostile, Layout) {
  const auto with = [](int a, int b, int c, int d) {
    return fmt::format(
        R"({{"x":{{"dtype":"U8","shape":[{}],"data_offsets":[{},{}]}},"y":{{"dtype":"U8","shape":[{}],"data_offsets":[{},{}]}}}})",
        b - a, a, b, d - c, c, d);
  };
  const ScratchFile good(file_of(with(3, 8, 0, 3), "12345678"));
  EXPECT_EQ(SafetensorsFile(good.path()).tensors().front().name, "y");
  corrupt("tensor \"y\": got data_offsets from 3, expected 4 (the end of the tensor before it); they overlap",
          with(0, 4, 3, 8));
  corrupt("they overlap", with(0, 8, 0, 8));
  corrupt("there is a hole", with(0, 4, 5, 8));
  corrupt("there is a hole", with(1, 4, 4, 8));
  corrupt("got 8 bytes, expected 7", with(0, 4, 4, 7));
}

TEST(SafetensorsHostile, EveryPrefixIsRefused) {
  const std::string bytes = read_file(golden("mixed.safetensors"));
  const ScratchFile scratch;
  for (size_t n = 0; n < bytes.size(); ++n) {
    scratch.set(std::string_view(bytes).substr(0, n));
    EXPECT_THROW(SafetensorsFile file(scratch.path()), Error) << n;
  }
}

TEST(SafetensorsHostile, EveryFlippedBitIsReadOrRefused) {
  std::string bytes = read_file(golden("mixed.safetensors"));
  const ScratchFile scratch;
  size_t refusals = 0;
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    const char mask = static_cast<char>(1 << (bit % 8));
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ mask);
    scratch.set(bytes);
    try {
      const SafetensorsFile file(scratch.path());
      for (const SafeTensor& tensor : file.tensors()) ASSERT_LE(tensor.data.size(), bytes.size());
    } catch (const Error&) {
      ++refusals;
    }
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ mask);
  }
  EXPECT_GT(refusals, 1000u);
}

}  // namespace
}  // namespace hone
