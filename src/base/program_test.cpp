#include "base/program.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <thread>

#include "base/error.h"

namespace hone {
namespace {

class ProgramTest : public testing::Test {
 protected:
  ProgramTest() {
    std::filesystem::create_directories(folder_);
    std::ofstream(input_) << "forty-two\n";
  }
  ~ProgramTest() override { std::filesystem::remove_all(folder_); }
  ProgramEnd run(const std::vector<std::string>& arguments, double seconds = 30) {
    return run_program(arguments, input_, seconds);
  }
  std::filesystem::path folder_ =
      std::filesystem::path(testing::TempDir()) / ("hone_program_" + std::to_string(::getpid()));
  std::filesystem::path input_ = folder_ / "input";
};

TEST_F(ProgramTest, GetsItsInputAndArgumentsAndSaysHowItEnded) {
  EXPECT_EQ(run({"grep", "-q", "forty-two"}).exit_code, 0);
  EXPECT_EQ(run({"grep", "-q", "forty-three"}).exit_code, 1);
  // No shell: the argument is one word, and nothing in it is run.
  EXPECT_EQ(run({"grep", "-q", "forty-three; true"}).exit_code, 1);
  EXPECT_EQ(run({"sh", "-c", "kill -TERM $$"}).exit_code, 128 + SIGTERM);
  EXPECT_THROW(run({"/nosuch/program"}), Error);
  EXPECT_THROW(check_program("/nosuch/program", "here"), Error);
  EXPECT_THROW(check_program("nosuchprogram", "here"), Error);
  EXPECT_THROW(check_program("/tmp", "here"), Error);
  EXPECT_NO_THROW(check_program("sh", "here"));
}

TEST_F(ProgramTest, ItsWholeGroupEndsWithTheTimeLimit) {
  const std::string mark = (folder_ / "pid").string();
  // Both the program and its child would outlive the limit.
  const ProgramEnd end = run({"sh", "-c", "sleep 1000 & echo $! > " + mark + "; wait"}, 0.5);
  EXPECT_TRUE(end.timed_out);
  pid_t child = 0;
  std::ifstream(mark) >> child;
  ASSERT_GT(child, 0);
  // Killed; a process that waits to be reaped by init still has its number.
  for (int i = 0; i < 500 && ::kill(child, 0) == 0; ++i) {
    std::ifstream state("/proc/" + std::to_string(child) + "/stat");
    std::string number, name, letter;
    state >> number >> name >> letter;
    if (letter == "Z" || letter.empty()) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_NE(::kill(child, 0), 0);
}

}  // namespace
}  // namespace hone
