#include "cpu/cache.h"

#include <unistd.h>

namespace hone {
namespace {

size_t told_or(int name, size_t otherwise) noexcept {
  const long bytes = ::sysconf(name);
  return bytes > 0 ? static_cast<size_t>(bytes) : otherwise;
}

}  // namespace

size_t l1_data_bytes() noexcept {
  static const size_t bytes = told_or(_SC_LEVEL1_DCACHE_SIZE, 32 << 10);
  return bytes;
}

size_t l2_bytes() noexcept {
  static const size_t bytes = told_or(_SC_LEVEL2_CACHE_SIZE, 1 << 20);
  return bytes;
}

}  // namespace hone
