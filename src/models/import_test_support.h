// Shared by the import and export tests: scratch folders, expected errors, the golden models.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <initializer_list>
#include <string>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/folder_test_support.h"
#include "io/weight_source.h"

namespace hone {

inline std::filesystem::path golden(const std::string& name) {
  return std::filesystem::path(HONE_TEST_DATA) / "golden" / "models" / name;
}
inline std::filesystem::path stories() {
  return std::filesystem::path(HONE_TEST_DATA) / "data" / "stories260K";
}

// Runs f, which must throw this code with all of these words in its message.
template <typename F>
void expect_error(ErrorCode code, std::initializer_list<const char*> words, F&& f) {
  try {
    f();
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error_code_name(error.code()), std::string(error_code_name(code))) << error.what();
    for (const char* word : words)
      EXPECT_NE(std::string(error.what()).find(word), std::string::npos) << error.what();
  }
}

inline std::vector<std::byte> bytes_of(WeightSource& source, const std::string& name) {
  const std::optional<size_t> at = source.find(name);
  if (!at) {
    ADD_FAILURE() << "no tensor " << name;
    return {};
  }
  const std::span<const std::byte> bytes = source.data(*at);
  return {bytes.begin(), bytes.end()};
}

// Replaces text in a file; the text must be there.
inline void edit(const std::filesystem::path& path, const std::string& from, const std::string& to) {
  std::string text = read_file(path);
  const size_t at = text.find(from);
  ASSERT_NE(at, std::string::npos) << path << " lacks " << from;
  write_file(path, text.replace(at, from.size(), to));
}

}  // namespace hone
