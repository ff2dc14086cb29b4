#include "base/large_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include "base/round.h"

namespace hone {
namespace {

constexpr size_t kPage = 4096, kHugePage = size_t{2} << 20;
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

// The pages that lie wholly in [piece, piece + n).
void give_back_pages(std::byte* piece, size_t n) noexcept {
  const auto at = reinterpret_cast<size_t>(piece);
  const size_t skipped = std::min(n, round_up(at, kPage) - at), whole = (n - skipped) / kPage * kPage;
  if (whole > 0) ::madvise(piece + skipped, whole, MADV_DONTNEED);
}

}  // namespace

std::shared_ptr<std::byte> allocate_small(size_t n) {
  auto* memory = static_cast<std::byte*>(std::aligned_alloc(64, round_up(std::max<size_t>(n, 1), 64)));
  if (memory == nullptr) return nullptr;
  return {memory, [](std::byte* p) { std::free(p); }};
}

std::shared_ptr<std::byte> allocate_large(size_t n) {
  n = round_up(std::max<size_t>(n, 1), 64);
#if defined(__SANITIZE_ADDRESS__)  // which cannot watch over pieces of a mapping
  std::shared_ptr<std::byte> memory = allocate_small(n);
  if (memory) std::memset(memory.get(), 0, n);
  return memory;
#endif
  static std::mutex mutex;
  static std::weak_ptr<Mapping> current;
  const std::lock_guard lock(mutex);
  std::shared_ptr<Mapping> mapping = current.lock();
  if (!mapping || mapping->capacity - mapping->used < n) {
    mapping = map(round_up(std::max(n, kMapping), kHugePage));
    if (!mapping) return nullptr;
    current = mapping;
  }
  std::byte* piece = mapping->data + mapping->used;
  mapping->used += n;
  return {piece, [mapping = std::move(mapping), n](std::byte* p) { give_back_pages(p, n); }};
}

}  // namespace hone
