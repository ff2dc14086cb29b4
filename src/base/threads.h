// A pool of worker threads that splits index ranges. The calling thread works too. Items are handed out by an
// atomic counter; which thread runs an item never changes its result, so results do not depend on timing.
#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>

namespace hone {

class ThreadPool {
 public:
  // n_threads counts the calling thread; 0 = default_thread_count(). kResourceExhausted if one does not
  // start.
  explicit ThreadPool(int n_threads = 0);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const noexcept { return n_threads_; }
  // Runs body(i, worker) for i in [0, n); worker in [0, size()). Returns when all are done. The first
  // exception thrown by a body is rethrown here. Not reentrant: a body must not call run() on the same pool.
  template <typename Body>
  void run(size_t n, Body&& body) {
    run_any(Order::kInTurn, n, body);
  }
  // The same, but every thread begins with a range of its own and helps others afterwards: what one run
  // leaves in a core's cache, the next finds there.
  template <typename Body>
  void run_near(size_t n, Body&& body) {
    run_any(Order::kNear, n, body);
  }

 private:
  enum class Order { kInTurn, kNear };
  using Call = void (*)(const void* closure, size_t i, int worker);
  template <typename Body>
  void run_any(Order order, size_t n, Body& body) {
    using Plain = std::remove_reference_t<Body>;
    run_raw(
        order, n,
        [](const void* closure, size_t i, int worker) {
          (*static_cast<Plain*>(const_cast<void*>(closure)))(i, worker);
        },
        &body);
  }
  void run_raw(Order order, size_t n, Call call, const void* closure);

  struct Impl;
  int n_threads_;
  std::unique_ptr<Impl> impl_;
};

// pool->run(), or, without a pool, all on the calling thread.
template <typename Body>
void run_on(ThreadPool* pool, size_t n, Body&& body) {
  if (pool != nullptr) return pool->run(n, body);
  for (size_t i = 0; i < n; ++i) body(i, 0);
}

// Cores this process may use: the affinity mask, cut by a container's CPU quota.
int default_thread_count();

// The pool that ops use. set_thread_count() before the first use, or between uses, replaces it.
ThreadPool& thread_pool();
void set_thread_count(int n_threads);

}  // namespace hone
