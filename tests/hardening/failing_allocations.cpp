// Loaded before a program: its n-th allocation fails ($FAIL_AT), and with $FAIL_ALL_AFTER every one after it,
// counted from when it ignores SIGPIPE: what is made before main() cannot be caught. FAIL_AT=0 only counts.
// The number of allocations goes to $FAIL_COUNT at the end. glibc.
#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>

extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t n, size_t size);
void* __libc_realloc(void* memory, size_t size);
void* __libc_memalign(size_t alignment, size_t size);
}

namespace {

std::atomic<long> made{0}, failing_at{0};
std::atomic<bool> all_after{false};

bool fails() {
  const long now = made.fetch_add(1) + 1, at = failing_at.load();
  if (at == 0 || now < at || (now > at && !all_after.load())) return false;
  errno = ENOMEM;
  return true;
}

void start() {
  const char* at = getenv("FAIL_AT");
  all_after = getenv("FAIL_ALL_AFTER") != nullptr;
  made = 0;
  failing_at = at == nullptr ? 0 : atol(at);
}

__attribute__((destructor)) void report() {
  const char* name = getenv("FAIL_COUNT");
  const int file = name == nullptr ? -1 : open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (file >= 0) dprintf(file, "%ld\n", made.load());
}

}  // namespace

extern "C" {

sighandler_t signal(int number, sighandler_t handler) {
  using Signal = sighandler_t(int, sighandler_t);
  if (number == SIGPIPE) start();
  return reinterpret_cast<Signal*>(dlsym(RTLD_NEXT, "signal"))(number, handler);
}
void* malloc(size_t size) {
  return fails() ? nullptr : __libc_malloc(size);
}
void* calloc(size_t n, size_t size) {
  return fails() ? nullptr : __libc_calloc(n, size);
}
void* realloc(void* memory, size_t size) {
  return fails() ? nullptr : __libc_realloc(memory, size);
}
void* aligned_alloc(size_t alignment, size_t size) {
  return fails() ? nullptr : __libc_memalign(alignment, size);
}

}  // extern "C"
