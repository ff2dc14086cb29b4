// Threads that the system does not start are one error, not std::terminate; those that were started end.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <fstream>

#include "base/threads.h"
#include "io/test_support.h"

namespace hone::hardening {
namespace {

// While it lives, the process has at most `more` bytes of address space left.
class LittleSpace {
 public:
  explicit LittleSpace(rlim_t more) {
    rlim_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    ::getrlimit(RLIMIT_AS, &before_);
    const rlimit now{pages * static_cast<rlim_t>(::sysconf(_SC_PAGESIZE)) + more, before_.rlim_max};
    set_ = pages > 0 && ::setrlimit(RLIMIT_AS, &now) == 0;
  }
  ~LittleSpace() { ::setrlimit(RLIMIT_AS, &before_); }
  LittleSpace(const LittleSpace&) = delete;
  LittleSpace& operator=(const LittleSpace&) = delete;
  bool set() const { return set_; }

 private:
  rlimit before_{};
  bool set_ = false;
};

TEST(FailingThreads, AreOneErrorAndAPoolWorksAfterwards) {
  {
    const LittleSpace limit(rlim_t{64} << 20);  // stacks of 8 MB: some start
    ASSERT_TRUE(limit.set());
    expect_error(ErrorCode::kResourceExhausted, "expected 512; give fewer with --threads",
                 [] { ThreadPool(512); });
  }
  ThreadPool pool(3);
  std::atomic<int> done{0};
  pool.run(10, [&](size_t, int) { ++done; });
  EXPECT_EQ(done.load(), 10);
}

}  // namespace
}  // namespace hone::hardening
