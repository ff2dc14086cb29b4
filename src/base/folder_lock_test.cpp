#include "base/folder_lock.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/folder_test_support.h"

namespace hone {
namespace {

namespace fs = std::filesystem;

class FolderLockTest : public FolderTest {};

TEST_F(FolderLockTest, OneAtATimeAndNothingIsLeft) {
  {
    const FolderLock first(folder_, "wait");
    try {
      const FolderLock second(folder_, "wait for it");
      FAIL() << "two locks";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kIo);
      EXPECT_TRUE(std::string(error.what()).ends_with("is working in this folder; wait for it"))
          << error.what();
    }
    EXPECT_EQ(names(), std::set<std::string>{".lock"});
  }
  EXPECT_EQ(names(), std::set<std::string>{});
  const FolderLock again(folder_, "wait");
}

TEST_F(FolderLockTest, AKilledProcessHoldsNothing) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    const FolderLock lock(folder_, "wait");
    ::_exit(0);  // without the destructor, as after kill -9
  }
  ::waitpid(pid, nullptr, 0);
  EXPECT_EQ(names(), std::set<std::string>{".lock"});
  const FolderLock lock(folder_, "wait");
}

TEST_F(FolderLockTest, LeftoversOfTheDeadGo) {
  const std::string dead = std::to_string(ended_process()), living = std::to_string(::getppid());
  const std::set<std::string> kept = {
      "m.gguf",      "m.gguf." + living + ".tmp", "." + living + ".partial", "notes.tmp", "x.12x.tmp",
      dead + ".tmp", "m." + dead + ".partial"};
  for (const std::string& name : kept) write_file(folder_ / name, "kept");
  write_file(folder_ / ("m.gguf." + dead + ".tmp"), "half");
  write_file(folder_ / ("resume.safetensors." + std::to_string(::getpid()) + ".tmp.x"), "kept");
  fs::create_directories(folder_ / ("." + dead + ".partial") / "peft");
  const FolderLock lock(folder_, "wait");
  std::set<std::string> left = kept;
  left.insert({".lock", "resume.safetensors." + std::to_string(::getpid()) + ".tmp.x"});
  EXPECT_EQ(names(), left);
}

}  // namespace
}  // namespace hone
