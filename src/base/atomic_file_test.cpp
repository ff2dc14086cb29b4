#include "base/atomic_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "base/error.h"

namespace hone {
namespace {

namespace fs = std::filesystem;

TEST(ReadFile, GivesBackWhatWasWrittenOfAnySize) {
  const fs::path path = fs::temp_directory_path() / ("hone-read-file-" + std::to_string(::getpid()));
  for (const size_t size : {0u, 1u, 65535u, 65536u, 65537u, 131072u, 500000u}) {
    std::string text(size, ' ');
    for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 31 % 251);
    write_file(path, text);
    EXPECT_EQ(read_file(path), text);
  }
  fs::remove(path);
}

TEST(ReadFile, ReadsToTheEndWhereTheSizeIsNotKnown) {
  EXPECT_NE(read_file("/proc/self/status").find("VmRSS"), std::string::npos);
}

TEST(ReadFile, SaysWhatIsWrong) {
  const auto code_of = [](const fs::path& path) {
    try {
      read_file(path);
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::kInternal;
  };
  EXPECT_EQ(code_of("/nowhere/to/be/found"), ErrorCode::kNotFound);
  EXPECT_EQ(code_of(fs::temp_directory_path()), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of("/proc/self/mem"), ErrorCode::kIo);  // opens, but nothing lies at its beginning
}

}  // namespace
}  // namespace hone
