#include "base/threads.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "base/control_group.h"
#include "base/error.h"
#include "base/thread_runs.h"

namespace hone {
namespace {

thread_local uint64_t begun = 0;  // thread_runs_begun()

// How long an idle worker spins before it sleeps: ops follow one another within microseconds. Where threads
// outnumber cores it would only keep others from working.
constexpr int kSpins = 4000;

// The state of a pool: which run it is at, whether that has been closed, and how many workers are in it.
constexpr uint64_t kInside = 0x7fff, kClosed = 0x8000, kRun = 0x10000;

uint64_t run_of(uint64_t state) noexcept {
  return state / kRun;
}

inline void cpu_pause() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

struct ThreadPool::Impl {
  // Items [next, end) that nobody has taken yet.
  struct alignas(64) Range {
    std::atomic<size_t> next{0};
    size_t end = 0;
  };

  explicit Impl(int n_threads) : ranges(static_cast<size_t>(n_threads)) {}

  std::vector<Range> ranges;  // one, or one for each thread
  size_t n_ranges = 1;
  std::vector<std::thread> workers;
  std::mutex mutex;
  std::condition_variable wake;
  std::atomic<uint64_t> state{kClosed};
  int spins = kSpins;
  Call call = nullptr;
  const void* closure = nullptr;
  std::exception_ptr error;
  std::atomic<bool> stop{false};

  ~Impl() {
    {
      const std::lock_guard lock(mutex);
      stop = true;
      state.fetch_add(kRun, std::memory_order_release);
    }
    wake.notify_all();
    for (std::thread& worker : workers) worker.join();
  }

  void work(int worker) {
    try {
      for (size_t r = 0; r < n_ranges; ++r) {
        Range& range = ranges[(static_cast<size_t>(worker) + r) % n_ranges];
        // Looked at before it is written: others' ranges are mostly empty by then.
        while (range.next.load(std::memory_order_relaxed) < range.end) {
          const size_t i = range.next.fetch_add(1);
          if (i < range.end) call(closure, i, worker);
        }
      }
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!error) error = std::current_exception();
      for (size_t r = 0; r < n_ranges; ++r) ranges[r].next.store(ranges[r].end);
    }
  }

  void share_out(size_t n, size_t parts) {
    n_ranges = parts;
    for (size_t r = 0; r < parts; ++r) {
      ranges[r].next.store(r * n / parts);
      ranges[r].end = (r + 1) * n / parts;
    }
  }

  // Begins a run: what it needs has been written, and no worker is in the one before.
  void open() {
    {
      const std::lock_guard lock(mutex);
      state.store((run_of(state.load(std::memory_order_relaxed)) + 1) * kRun, std::memory_order_release);
    }
    wake.notify_all();
  }

  // Ends it. Workers that have not come by now are not waited for: they may be asleep, or have no core.
  void close() {
    state.fetch_or(kClosed, std::memory_order_acq_rel);
    for (int spin = 0; (state.load(std::memory_order_acquire) & kInside) != 0; ++spin) {
      if (spin < spins)
        cpu_pause();
      else
        std::this_thread::yield();
    }
  }

  bool enter(uint64_t run) {
    uint64_t now = state.load(std::memory_order_acquire);
    do {
      if (run_of(now) != run || (now & kClosed) != 0) return false;
    } while (!state.compare_exchange_weak(now, now + 1, std::memory_order_acq_rel));
    return true;
  }

  void loop(int worker) {
    uint64_t seen = 0;
    const auto unchanged = [&] { return run_of(state.load(std::memory_order_acquire)) == seen; };
    while (true) {
      for (int spin = 0; spin < spins && unchanged(); ++spin) cpu_pause();
      if (unchanged()) {
        std::unique_lock lock(mutex);
        wake.wait(lock, [&] { return !unchanged(); });
      }
      seen = run_of(state.load(std::memory_order_acquire));
      if (stop) return;
      if (!enter(seen)) continue;
      work(worker);
      state.fetch_sub(1, std::memory_order_release);
    }
  }
};

ThreadPool::ThreadPool(int n_threads)
    : n_threads_(n_threads > 0 ? n_threads : default_thread_count()),
      impl_(std::make_unique<Impl>(n_threads_)) {
  HONE_CHECK(static_cast<uint64_t>(n_threads_) < kInside);
  if (n_threads_ > default_thread_count()) impl_->spins = 0;
  impl_->workers.reserve(static_cast<size_t>(n_threads_));
  for (int worker = 1; worker < n_threads_; ++worker) {
    try {
      impl_->workers.emplace_back([impl = impl_.get(), worker] { impl->loop(worker); });
    } catch (const std::system_error& error) {
      fail(ErrorCode::kResourceExhausted,
           "threads: got {} started ({}), expected {}; give fewer with --threads, or raise the limit on "
           "threads (ulimit -u, a container's pids limit) or memory",
           worker, error.code().message(), n_threads_);
    }
  }
}

// The workers end with what they share, also when not all of them could be started.
ThreadPool::~ThreadPool() = default;

uint64_t thread_runs_begun() noexcept {
  return begun;
}

void ThreadPool::run_raw(Order order, size_t n, Call call, const void* closure) {
  if (n == 0) return;
  ++begun;
  if (n == 1 || n_threads_ == 1) {
    for (size_t i = 0; i < n; ++i) call(closure, i, 0);
    return;
  }
  impl_->share_out(n, order == Order::kNear ? static_cast<size_t>(n_threads_) : 1);
  impl_->call = call;
  impl_->closure = closure;
  impl_->error = nullptr;
  impl_->open();
  impl_->work(0);
  impl_->close();
  if (impl_->error) std::rethrow_exception(std::exchange(impl_->error, nullptr));
}

int default_thread_count() {
  cpu_set_t set;
  int count = static_cast<int>(std::thread::hardware_concurrency());
  if (::sched_getaffinity(0, sizeof set, &set) == 0) count = CPU_COUNT(&set);
  if (const auto quota = cpu_quota(); quota && *quota < count) count = static_cast<int>(std::lround(*quota));
  return std::max(1, count);
}

namespace {
std::unique_ptr<ThreadPool>& pool_slot() {
  static std::unique_ptr<ThreadPool> pool;
  return pool;
}
}  // namespace

ThreadPool& thread_pool() {
  auto& pool = pool_slot();
  if (!pool) pool = std::make_unique<ThreadPool>();
  return *pool;
}

void set_thread_count(int n_threads) {
  pool_slot() = std::make_unique<ThreadPool>(n_threads);
}

}  // namespace hone
