// Threads that the system does not start are one error, not std::terminate; those that were started end.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <cerrno>

#include "base/threads.h"
#include "io/test_support.h"

namespace {

constexpr int kNoLimit = -1;
std::atomic<int> g_more_threads{kNoLimit};

}  // namespace

// In place of the system's (or the sanitizer's), which comes next: whatever starts a thread in this program
// asks here.
extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*),
                              void* argument) {
  if (g_more_threads != kNoLimit && g_more_threads-- <= 0) {
    g_more_threads = 0;
    return EAGAIN;
  }
  static const auto next = reinterpret_cast<decltype(&pthread_create)>(::dlsym(RTLD_NEXT, "pthread_create"));
  return next(thread, attributes, start, argument);
}

namespace hone::hardening {
namespace {

TEST(FailingThreads, AreOneErrorAndAPoolWorksAfterwards) {
  for (const int started : {0, 1, 5}) {
    g_more_threads = started;
    expect_error(ErrorCode::kResourceExhausted, fmt::format("threads: got {} started (", started + 1),
                 [] { ThreadPool(512); });
    g_more_threads = started;
    expect_error(ErrorCode::kResourceExhausted, "expected 512; give fewer with --threads",
                 [] { ThreadPool(512); });
    EXPECT_EQ(g_more_threads, 0) << "of " << started << " threads";
    g_more_threads = kNoLimit;
  }
  ThreadPool pool(3);
  std::atomic<int> done{0};
  pool.run(10, [&](size_t, int) { ++done; });
  EXPECT_EQ(done.load(), 10);
}

}  // namespace
}  // namespace hone::hardening
