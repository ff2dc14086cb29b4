// Loaded before a program: its n-th write to a file below $FAIL_BELOW, and every one after it, fails as on a
// full disk. FAIL_AT=0 only counts. The number of writes goes to $FAIL_COUNT at the end.
#include <dlfcn.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

std::atomic<long> made{0};

bool is_full(int fd) {
  const char *below = getenv("FAIL_BELOW"), *at = getenv("FAIL_AT");
  char link[64], path[4096];
  struct stat info {};
  if (below == nullptr || at == nullptr || fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) return false;
  snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
  const ssize_t n = readlink(link, path, sizeof(path) - 1);
  if (n <= 0) return false;
  path[n] = '\0';
  if (strncmp(path, below, strlen(below)) != 0) return false;
  const long now = made.fetch_add(1) + 1, limit = atol(at);
  if (limit == 0 || now < limit) return false;
  errno = ENOSPC;
  return true;
}

__attribute__((destructor)) void report() {
  const char* name = getenv("FAIL_COUNT");
  FILE* file = name == nullptr ? nullptr : fopen(name, "w");
  if (file == nullptr) return;
  unsetenv("FAIL_BELOW");
  fprintf(file, "%ld\n", made.load());
  fclose(file);
}

template <typename Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

ssize_t write(int fd, const void* bytes, size_t n) {
  return is_full(fd) ? -1 : next<ssize_t(int, const void*, size_t)>("write")(fd, bytes, n);
}
ssize_t writev(int fd, const iovec* parts, int n) {
  return is_full(fd) ? -1 : next<ssize_t(int, const iovec*, int)>("writev")(fd, parts, n);
}
ssize_t pwrite(int fd, const void* bytes, size_t n, off_t at) {
  return is_full(fd) ? -1 : next<ssize_t(int, const void*, size_t, off_t)>("pwrite")(fd, bytes, n, at);
}
ssize_t pwrite64(int fd, const void* bytes, size_t n, off64_t at) {
  return is_full(fd) ? -1 : next<ssize_t(int, const void*, size_t, off64_t)>("pwrite64")(fd, bytes, n, at);
}
int fsync(int fd) {
  return is_full(fd) ? -1 : next<int(int)>("fsync")(fd);
}

}  // extern "C"
