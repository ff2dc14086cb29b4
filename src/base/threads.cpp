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

namespace hone {
namespace {

// How long an idle worker spins before it sleeps: ops follow one another within microseconds.
constexpr int kSpins = 4000;

inline void cpu_pause() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

struct ThreadPool::Impl {
  std::vector<std::thread> workers;
  std::mutex mutex;
  std::condition_variable wake;
  std::atomic<uint64_t> generation{0};
  std::atomic<size_t> next{0};
  std::atomic<int> running{0};
  size_t n = 0;
  Call call = nullptr;
  const void* closure = nullptr;
  std::exception_ptr error;
  bool stop = false;

  ~Impl() {
    {
      const std::lock_guard lock(mutex);
      stop = true;
      generation.fetch_add(1, std::memory_order_release);
    }
    wake.notify_all();
    for (std::thread& worker : workers) worker.join();
  }

  void work(int worker) {
    try {
      for (size_t i = next.fetch_add(1); i < n; i = next.fetch_add(1)) call(closure, i, worker);
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!error) error = std::current_exception();
      next.store(n);
    }
  }

  void loop(int worker) {
    uint64_t seen = 0;
    while (true) {
      for (int spin = 0; spin < kSpins && generation.load(std::memory_order_acquire) == seen; ++spin)
        cpu_pause();
      if (generation.load(std::memory_order_acquire) == seen) {
        std::unique_lock lock(mutex);
        wake.wait(lock, [&] { return generation.load(std::memory_order_acquire) != seen; });
      }
      seen = generation.load(std::memory_order_acquire);
      if (stop) return;
      work(worker);
      running.fetch_sub(1, std::memory_order_release);
    }
  }
};

ThreadPool::ThreadPool(int n_threads)
    : n_threads_(n_threads > 0 ? n_threads : default_thread_count()), impl_(std::make_unique<Impl>()) {
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

void ThreadPool::run_raw(size_t n, Call call, const void* closure) {
  if (n == 0) return;
  if (n == 1 || n_threads_ == 1) {
    for (size_t i = 0; i < n; ++i) call(closure, i, 0);
    return;
  }
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->n = n;
    impl_->call = call;
    impl_->closure = closure;
    impl_->next.store(0);
    impl_->error = nullptr;
    impl_->running.store(n_threads_ - 1);
    impl_->generation.fetch_add(1, std::memory_order_release);
  }
  impl_->wake.notify_all();
  impl_->work(0);
  for (int spin = 0; impl_->running.load(std::memory_order_acquire) != 0; ++spin) {
    if (spin < kSpins)
      cpu_pause();
    else
      std::this_thread::yield();
  }
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
