#include "base/large_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <mutex>

#include "base/round.h"

namespace hone {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;
constexpr size_t kMapping = size_t{64} << 20;  // of address space; pages come when they are written

struct Mapping {
  std::byte* start = nullptr;  // as mapped
  size_t size = 0;
  std::byte* data = nullptr;  // the first huge page boundary
  size_t capacity = 0, used = 0;

  Mapping() = default;
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() {
    if (start != nullptr) ::munmap(start, size);
  }
};

std::shared_ptr<Mapping> map(size_t capacity) {
  auto mapping = std::make_shared<Mapping>();
  mapping->size = capacity + kHugePage;
  void* memory = ::mmap(nullptr, mapping->size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  mapping->start = static_cast<std::byte*>(memory);
  const size_t off = reinterpret_cast<size_t>(memory) % kHugePage;
  mapping->data = mapping->start + (off == 0 ? 0 : kHugePage - off);
  mapping->capacity = capacity;
  ::madvise(mapping->data, capacity, MADV_HUGEPAGE);  // only a wish
  return mapping;
}

}  // namespace

std::shared_ptr<std::byte> allocate_large(size_t n) {
  static std::mutex mutex;
  static std::weak_ptr<Mapping> current;
  const std::lock_guard lock(mutex);
  n = round_up(std::max<size_t>(n, 1), 64);
  std::shared_ptr<Mapping> mapping = current.lock();
  if (!mapping || mapping->capacity - mapping->used < n) {
    mapping = map(round_up(std::max(n, kMapping), kHugePage));
    if (!mapping) return nullptr;
    current = mapping;
  }
  std::byte* piece = mapping->data + mapping->used;
  mapping->used += n;
  return {std::move(mapping), piece};
}

}  // namespace hone
