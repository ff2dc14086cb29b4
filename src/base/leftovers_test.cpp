// What a killed process left goes with the next writing of the same file, and nothing else does.
#include "base/leftovers.h"

#include <fstream>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/folder_test_support.h"

namespace hone {
namespace {

namespace fs = std::filesystem;

class LeftoversTest : public FolderTest {};

TEST_F(LeftoversTest, OfTheSameFileGoWhenItIsWritten) {
  const std::string dead = std::to_string(ended_process()), living = std::to_string(::getppid());
  const std::set<std::string> kept = {"m.gguf." + living + ".tmp", "other.gguf." + dead + ".tmp",
                                      "m.gguf." + dead + ".old",   "." + dead + ".partial",
                                      "m.gguf." + dead + ".tmp.x", "my.m.gguf." + dead + ".tmp"};
  for (const std::string& name : kept) write_file(folder_ / name, "kept");
  const auto leave = [&] {
    std::ofstream(folder_ / ("m.gguf." + dead + ".tmp")) << "half";
    fs::create_directories(folder_ / ("m.gguf." + dead + ".partial") / "deep");
    std::ofstream(folder_ / ("m.gguf." + dead + ".partial") / "deep" / "x") << "half";
  };
  leave();
  std::set<std::string> left = kept;
  left.insert("m.gguf");
  write_file(folder_ / "m.gguf", "whole");
  EXPECT_EQ(names(), left);
  leave();
  remove_leftovers_of(folder_ / "m.gguf");
  EXPECT_EQ(names(), left);
  remove_leftovers_of(folder_ / "missing" / "m.gguf");
}

TEST_F(LeftoversTest, AreFoundInTheFolderThatIsCurrent) {
  const fs::path before = fs::current_path();
  fs::current_path(folder_);
  std::ofstream(fmt::format("m.gguf.{}.tmp", ended_process())) << "half";
  write_file("m.gguf", "whole");
  fs::current_path(before);
  EXPECT_EQ(names(), std::set<std::string>{"m.gguf"});
}

// A process that is killed while it writes, not a name made up to look like it.
TEST_F(LeftoversTest, AKilledWriterLeavesOneAndTheNextNone) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    AtomicFile file(folder_ / "m.gguf");
    file.write("half");
    ::_exit(0);  // without the destructor, as after kill -9
  }
  ::waitpid(pid, nullptr, 0);
  EXPECT_EQ(names(), std::set<std::string>{fmt::format("m.gguf.{}.tmp", pid)});
  write_file(folder_ / "m.gguf", "whole");
  EXPECT_EQ(names(), std::set<std::string>{"m.gguf"});
}

}  // namespace
}  // namespace hone
