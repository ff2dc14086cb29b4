// Metadata: order, replacement, typed reads and their errors.
#include <cmath>

#include "io/test_support.h"
#include "io/weight_source.h"

namespace hone {
namespace {

Metadata sample() {
  Metadata m;
  m.set_string("name", "tiny");
  m.set_u32("layers", 12);
  m.set_f32("eps", 1e-5f);
  m.set_bool("add_bos", true);
  m.set_strings("tokens", {"a", "b"});
  m.set("signed", {MetaType::kI32, int64_t{-3}});
  m.set_i32s("types", {1, -2});
  m.set_f32s("scores", {0.5f, -1.0f});
  m.set_u64("big", 1ull << 60);
  m.set("u64s", {MetaType::kArray, MetaArray{MetaType::kU64, std::vector<uint64_t>{1, ~0ull}}});
  return m;
}

TEST(Metadata, ReadsTypedValues) {
  const Metadata m = sample();
  EXPECT_EQ(m.string("name"), "tiny");
  EXPECT_EQ(m.integer("layers"), 12u);
  EXPECT_EQ(m.integer("big"), 1ull << 60);
  EXPECT_EQ(m.number("eps"), static_cast<double>(1e-5f));
  EXPECT_EQ(m.number("signed"), -3.0);
  EXPECT_EQ(m.number("layers"), 12.0);
  EXPECT_EQ(m.find_bool("add_bos"), true);
  EXPECT_EQ(m.strings("tokens"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(m.integers("types"), (std::vector<int64_t>{1, -2}));
  EXPECT_EQ(m.numbers("types"), (std::vector<double>{1, -2}));
  EXPECT_EQ(m.numbers("scores"), (std::vector<double>{0.5, -1}));
}

TEST(Metadata, AbsentKeys) {
  const Metadata m = sample();
  EXPECT_EQ(m.find("x"), nullptr);
  EXPECT_EQ(m.find_string("x"), std::nullopt);
  EXPECT_EQ(m.find_integer("x"), std::nullopt);
  EXPECT_EQ(m.find_number("x"), std::nullopt);
  EXPECT_EQ(m.find_bool("x"), std::nullopt);
  expect_error(ErrorCode::kCorruption, "\"x\" is missing", [&] { m.string("x"); });
  expect_error(ErrorCode::kCorruption, "\"x\" is missing", [&] { m.strings("x"); });
  expect_error(ErrorCode::kCorruption, "\"x\" is missing", [&] { m.integers("x"); });
}

TEST(Metadata, WrongTypesNameKeyGotAndExpected) {
  const Metadata m = sample();
  expect_error(ErrorCode::kCorruption, "\"name\": got string, expected an integer",
               [&] { m.integer("name"); });
  expect_error(ErrorCode::kCorruption, "\"signed\": got -3", [&] { m.find_integer("signed"); });
  expect_error(ErrorCode::kCorruption, "\"add_bos\": got bool, expected an integer",
               [&] { m.integer("add_bos"); });
  expect_error(ErrorCode::kCorruption, "\"layers\": got u32, expected a bool",
               [&] { m.find_bool("layers"); });
  expect_error(ErrorCode::kCorruption, "\"layers\": got u32, expected a string",
               [&] { m.find_string("layers"); });
  expect_error(ErrorCode::kCorruption, "got an array of string, expected a number",
               [&] { m.number("tokens"); });
  expect_error(ErrorCode::kCorruption, "got an array of i32, expected an array of strings",
               [&] { m.strings("types"); });
  expect_error(ErrorCode::kCorruption, "got an array of string, expected an array of int",
               [&] { m.integers("tokens"); });
  expect_error(ErrorCode::kCorruption, "got an array of string, expected an array of num",
               [&] { m.numbers("tokens"); });
  expect_error(ErrorCode::kCorruption, "got u32, expected an array of integers",
               [&] { m.integers("layers"); });
  expect_error(ErrorCode::kCorruption, "got 18446744073709551615, expected at most",
               [&] { m.integers("u64s"); });
}

TEST(Metadata, KeepsOrderWhenReplacingAndErasing) {
  Metadata m;
  for (const char* key : {"a", "b", "c", "d"}) m.set_u32(key, 1);
  m.set_u32("b", 2);
  m.erase("a");
  m.erase("not there");
  m.set_u32("a", 3);
  std::string order;
  for (const auto& [key, value] : m.entries()) order += key;
  EXPECT_EQ(order, "bcda");
  EXPECT_EQ(m.integer("b"), 2u);
  EXPECT_EQ(m.integer("d"), 1u);
  EXPECT_EQ(m.integer("a"), 3u);
}

TEST(Printable, EscapesAndCuts) {
  EXPECT_EQ(printable("a\x1b[2J\n"), "\"a\\x1b[2J\\n\"");
  EXPECT_LT(printable(std::string(100000, 'x')).size(), 140u);
  EXPECT_EQ(printable("\xff").find('\xff'), std::string::npos) << printable("\xff");
}

}  // namespace
}  // namespace hone
