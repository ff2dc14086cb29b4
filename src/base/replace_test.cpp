// One file or folder in place of another: readers always find a whole one, whoever dies.
#include "base/replace.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <set>
#include <thread>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/folder_test_support.h"
#include "base/leftovers.h"

namespace hone {
namespace {

namespace fs = std::filesystem;
using Replace = void (*)(const fs::path&, const fs::path&);

class ReplaceTest : public FolderTest {
 protected:
  // A folder of two files that must always be of one generation.
  void make(const fs::path& path, const std::string& generation) const {
    fs::create_directories(path);
    for (const char* name : {"one", "two"}) write_file(path / name, generation);
  }
};

TEST_F(ReplaceTest, FilesAndFoldersTakeThePlaceOfNothingAndOfOthers) {
  for (const Replace replace : {Replace{replace_whole}, Replace{replace_folder_in_steps}}) {
    make(folder_ / "to", "old");
    write_file(folder_ / "to" / "three", "only the old one has it");
    make(folder_ / "from", "new");
    replace(folder_ / "from", folder_ / "to");
    EXPECT_EQ(read_file(folder_ / "to" / "one"), "new");
    EXPECT_FALSE(fs::exists(folder_ / "to" / "three"));
    EXPECT_EQ(names(), std::set<std::string>{"to"});
  }
  make(folder_ / "from", "newer");
  replace_whole(folder_ / "from", folder_ / "fresh");
  EXPECT_EQ(read_file(folder_ / "fresh" / "two"), "newer");
  for (const char* text : {"a", "b"}) {
    write_file(folder_ / "from", text);
    replace_whole(folder_ / "from", folder_ / "file");
    EXPECT_EQ(read_file(folder_ / "file"), text);
  }
  EXPECT_EQ(names(), (std::set<std::string>{"file", "fresh", "to"}));
}

TEST_F(ReplaceTest, WhatCannotBePutInPlaceLeavesTheOldOne) {
  make(folder_ / "to", "old");
  for (const Replace replace : {Replace{replace_whole}, Replace{replace_folder_in_steps}}) {
    try {
      replace(folder_ / "missing", folder_ / "to");
      FAIL() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kIo);
      EXPECT_NE(std::string(error.what()).find("to: cannot be put in place: No such file"), std::string::npos)
          << error.what();
    }
    EXPECT_EQ(read_file(folder_ / "to" / "two"), "old");
    EXPECT_EQ(names(), std::set<std::string>{"to"});
  }
}

TEST_F(ReplaceTest, AReaderFindsAFileAtAnyMoment) {
  make(folder_ / "to", "0");
  std::atomic<bool> done = false;
  std::atomic<size_t> missing = 0, looks = 0;
  std::thread reader([&] {
    while (!done) {
      ++looks;
      if (::access((folder_ / "to" / "one").c_str(), R_OK) != 0) ++missing;
    }
  });
  for (int i = 1; i <= 200; ++i) {
    fs::create_directories(folder_ / "from");
    for (const char* name : {"one", "two"}) fs::copy_file(folder_ / "to" / name, folder_ / "from" / name);
    replace_whole(folder_ / "from", folder_ / "to");
  }
  done = true;
  reader.join();
  EXPECT_GT(looks.load(), 200u);
  EXPECT_EQ(missing.load(), 0u);
}

// A child replaces the folder without end and is killed at a moment by chance.
void killed_while_replacing(const fs::path& folder, Replace replace, unsigned microseconds) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    for (int i = 0;; ++i) {
      const fs::path from = folder / fmt::format(".{}.partial", ::getpid());
      fs::create_directories(from);
      for (const char* name : {"one", "two"}) std::ofstream(from / name) << i;
      replace(from, folder / "to");
    }
  }
  ::usleep(microseconds);
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

TEST_F(ReplaceTest, KilledAtAnyMomentAWholeOneIsThere) {
  make(folder_ / "to", "first");
  for (unsigned i = 0; i < 40; ++i) {
    killed_while_replacing(folder_, replace_whole, 2000 + 331 * i);
    ASSERT_EQ(read_file(folder_ / "to" / "one"), read_file(folder_ / "to" / "two")) << i;
    remove_leftovers(folder_);
    ASSERT_EQ(names(), std::set<std::string>{"to"}) << i;
  }
}

TEST_F(ReplaceTest, KilledInStepsTheOldOneIsPutBack) {
  make(folder_ / "to", "first");
  for (unsigned i = 0; i < 40; ++i) {
    killed_while_replacing(folder_, replace_folder_in_steps, 2000 + 331 * i);
    remove_leftovers(folder_);
    ASSERT_EQ(names(), std::set<std::string>{"to"}) << i;
    ASSERT_EQ(read_file(folder_ / "to" / "one"), read_file(folder_ / "to" / "two")) << i;
  }
}

// The moment that those kills may miss.
TEST_F(ReplaceTest, AFolderMovedAsideGoesBackUnlessAnotherTookItsPlace) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(0);
  ::waitpid(pid, nullptr, 0);
  make(folder_ / fmt::format("to.{}.old", pid), "old");
  remove_leftovers(folder_);
  EXPECT_EQ(read_file(folder_ / "to" / "one"), "old");
  make(folder_ / fmt::format("to.{}.old", pid), "older");
  remove_leftovers(folder_);
  EXPECT_EQ(read_file(folder_ / "to" / "one"), "old");
  EXPECT_EQ(names(), std::set<std::string>{"to"});
}

}  // namespace
}  // namespace hone
