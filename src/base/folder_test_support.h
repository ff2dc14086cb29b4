// A folder of its own for each test, and what stands in it.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <set>
#include <string>
#include <string_view>

#include "base/atomic_file.h"

namespace hone {

// A new folder that goes away with this object.
class TestFolder {
 public:
  TestFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "hone-test-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr) << name;
    path_ = name;
  }
  ~TestFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  const std::filesystem::path& path() const noexcept { return path_; }
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }
  std::filesystem::path file(const std::string& name, std::string_view text) const {
    write_file(path_ / name, text);
    return path_ / name;
  }
  // A copy of a folder that a test may damage.
  std::filesystem::path copy_of(const std::filesystem::path& folder) const {
    const std::filesystem::path target = path_ / folder.filename();
    std::filesystem::copy(folder, target);
    return target;
  }

 private:
  std::filesystem::path path_;
};

class FolderTest : public testing::Test {
 protected:
  std::set<std::string> names() const {
    std::set<std::string> all;
    for (const std::filesystem::directory_entry& entry : std::filesystem::directory_iterator(folder_))
      all.insert(entry.path().filename().string());
    return all;
  }

 private:
  const TestFolder owner_;

 protected:
  const std::filesystem::path folder_ = owner_.path();
};

// The id of a process that has ended.
inline pid_t ended_process() {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(0);
  ::waitpid(pid, nullptr, 0);
  return pid;
}

}  // namespace hone
