#include "base/threads.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace hone {
namespace {

TEST(ThreadPool, RunsEveryItemOnceForEverySizeOfPoolAndRange) {
  for (const int n_threads : {1, 2, 3, 8}) {
    ThreadPool pool(n_threads);
    ASSERT_EQ(pool.size(), n_threads);
    for (const size_t n : {0, 1, 2, 3, 7, 8, 9, 1000}) {
      std::vector<int> visits(n, 0);  // plain ints: a race here is the pool's
      pool.run(n, [&](size_t i, int) { ++visits[i]; });
      EXPECT_EQ(visits, std::vector<int>(n, 1)) << n_threads << " threads, " << n << " items";
      pool.run_near(n, [&](size_t i, int) { ++visits[i]; });
      EXPECT_EQ(visits, std::vector<int>(n, 2)) << n_threads << " threads, " << n << " items near";
    }
  }
}

TEST(ThreadPool, WorkerNumbersAreInRangeAndNeverShared) {
  ThreadPool pool(4);
  std::vector<std::atomic<int>> inside(4);
  pool.run(500, [&](size_t, int worker) {
    if (worker < 0 || worker >= 4) throw std::out_of_range("worker " + std::to_string(worker));
    if (inside[static_cast<size_t>(worker)].fetch_add(1) != 0) throw std::logic_error("two at once");
    inside[static_cast<size_t>(worker)].fetch_sub(1);
  });
}

// The first items of all ranges wait for one another: each must be with the thread whose range it is.
TEST(ThreadPool, NearRunsBeginWithARangeOfTheirOwn) {
  constexpr int kThreads = 3;
  ThreadPool pool(kThreads);
  for (int round = 0; round < 20; ++round) {
    std::vector<int> taken(3 * kThreads, -1);
    std::atomic<int> came{0};
    pool.run_near(taken.size(), [&](size_t i, int worker) {
      taken[i] = worker;
      if (i % 3 != 0) return;
      came.fetch_add(1);
      for (int wait = 0; wait < 5000 && came.load() < kThreads; ++wait)
        std::this_thread::sleep_for(std::chrono::microseconds(200));
    });
    ASSERT_EQ(came.load(), kThreads);
    for (int worker = 0; worker < kThreads; ++worker)
      ASSERT_EQ(taken[static_cast<size_t>(3 * worker)], worker);
    ASSERT_EQ(std::count(taken.begin(), taken.end(), -1), 0) << "round " << round;
  }
}

// Each run reads what the one before wrote: a run that returned early would be seen, by the sum or by
// ThreadSanitizer. The pauses let workers fall asleep, so that both ways of waking are taken.
TEST(ThreadPool, ManySmallRunsFollowOneAnother) {
  ThreadPool pool(3);
  std::vector<size_t> values(5, 0);
  constexpr size_t kRuns = 1000;
  for (size_t r = 0; r < kRuns; ++r) {
    const size_t n = 2 + r % 4;
    pool.run(n, [&](size_t i, int) { values[i] = values[i] + 1; });
    if (r % 200 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  // Item 4 is there in a quarter of the runs, item 3 in half, item 2 in three quarters.
  EXPECT_EQ(values, (std::vector<size_t>{kRuns, kRuns, kRuns / 4 * 3, kRuns / 2, kRuns / 4}));
}

TEST(ThreadPool, RethrowsAndWorksOn) {
  for (const int n_threads : {1, 2, 4}) {
    ThreadPool pool(n_threads);
    for (size_t bad = 0; bad < 50; ++bad) {
      const auto body = [&](size_t i, int) {
        if (i == bad) throw std::runtime_error("item " + std::to_string(i));
      };
      try {
        pool.run(50, body);
        FAIL() << "item " << bad << " threw in vain";
      } catch (const std::runtime_error& error) {
        EXPECT_EQ(error.what(), "item " + std::to_string(bad));
      }
      std::atomic<size_t> done = 0;
      pool.run(50, [&](size_t, int) { ++done; });
      EXPECT_EQ(done, 50u);
    }
  }
}

TEST(ThreadPool, OneErrorComesOutWhenEveryItemThrows) {
  ThreadPool pool(4);
  for (int r = 0; r < 200; ++r) {
    std::atomic<size_t> tried = 0;
    const auto body = [&](size_t, int) {
      ++tried;
      throw std::runtime_error("all bad");
    };
    EXPECT_THROW(pool.run(100, body), std::runtime_error);
    EXPECT_GE(tried, 1u);
    EXPECT_LE(tried, 4u) << "a thread went on after its error";
  }
}

TEST(ThreadPool, ABodyMayUseAnotherPool) {
  ThreadPool outer(3);
  std::vector<std::vector<int>> rows(6);
  outer.run(rows.size(), [&](size_t i, int) {
    ThreadPool inner(2);
    rows[i].assign(i + 1, 0);
    inner.run(rows[i].size(), [&](size_t j, int) { ++rows[i][j]; });
  });
  for (size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(rows[i], std::vector<int>(i + 1, 1));
}

TEST(ThreadPool, PoolsThatNeverRanEndAtOnce) {
  for (int r = 0; r < 100; ++r) const ThreadPool pool(4);
}

TEST(ThreadPool, TheSharedPoolCanBeReplacedBetweenUses) {
  for (const int n_threads : {1, 3, 2}) {
    set_thread_count(n_threads);
    ASSERT_EQ(thread_pool().size(), n_threads);
    std::vector<int> visits(20, 0);
    thread_pool().run(visits.size(), [&](size_t i, int) { ++visits[i]; });
    EXPECT_EQ(visits, std::vector<int>(20, 1));
  }
  EXPECT_GE(default_thread_count(), 1);
}

}  // namespace
}  // namespace hone
