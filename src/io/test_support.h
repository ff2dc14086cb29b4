// Helpers of io's own tests.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>

#include "base/atomic_file.h"
#include "base/error.h"

namespace hone {

inline std::filesystem::path golden(const std::string& name) {
  return std::filesystem::path(HONE_TEST_DATA "/golden/io") / name;
}

// A file of the running test's own, removed with the object.
class ScratchFile {
 public:
  explicit ScratchFile(std::string_view bytes = {}) {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    static int n_made = 0;
    path_ = std::filesystem::path(testing::TempDir()) /
            ("hone_io_" + std::to_string(::getpid()) + "_" + test->test_suite_name() + "_" + test->name() +
             "_" + std::to_string(n_made++));
    set(bytes);
  }
  ~ScratchFile() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;
  void set(std::string_view bytes) const {
    // A new file each time: some file systems flush one that is cut and rewritten, which makes sweeps slow.
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
    std::ofstream(path_, std::ios::binary | std::ios::trunc)
        .write(bytes.data(), static_cast<long>(bytes.size()));
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// The body must throw an Error of this code whose message contains the text.
template <typename Body>
void expect_error(ErrorCode code, std::string_view text, Body body) {
  try {
    body();
    ADD_FAILURE() << "no error, expected one about " << text;
  } catch (const Error& error) {
    EXPECT_EQ(error_code_name(error.code()), std::string(error_code_name(code))) << error.what();
    EXPECT_NE(std::string(error.what()).find(text), std::string::npos)
        << error.what() << "\nexpected: " << text;
  }
}

// Appends little-endian scalars and GGUF strings.
class ByteBuilder {
 public:
  template <typename T>
  ByteBuilder& put(T value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof(T));
    return *this;
  }
  ByteBuilder& raw(std::string_view text) {
    bytes_ += text;
    return *this;
  }
  ByteBuilder& string(std::string_view text) { return put<uint64_t>(text.size()).raw(text); }
  ByteBuilder& pad(size_t alignment) {
    bytes_.resize((bytes_.size() + alignment - 1) / alignment * alignment);
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

}  // namespace hone
