#include "allocations.h"

#include <sys/mman.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <new>

// The linker sends the program's own calls here (--wrap).
extern "C" void* __real_aligned_alloc(size_t alignment, size_t size);
extern "C" void* __real_mmap(void* address, size_t size, int access, int flags, int fd, off_t offset);

namespace hone::hardening {
namespace {

std::atomic<uint64_t> made{0}, failing_at{0};
std::atomic<size_t> largest{0}, counted_from{0};
std::atomic<bool> all_after{false}, failed{false};

// True when this one may go through.
bool pass(size_t size) noexcept {
  if (size < counted_from.load()) return true;
  const uint64_t n = made.fetch_add(1) + 1;
  size_t before = largest.load();
  while (size > before && !largest.compare_exchange_weak(before, size)) {
  }
  const uint64_t at = failing_at.load();
  if (at == 0 || n < at || (n > at && !all_after.load())) return true;
  failed = true;
  return false;
}

void* take(size_t size, size_t alignment) noexcept {
  if (!pass(size)) return nullptr;
  if (alignment <= alignof(std::max_align_t)) return std::malloc(size == 0 ? 1 : size);
  return __real_aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}

void* take_or_throw(size_t size, size_t alignment = 1) {
  void* memory = take(size, alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

void count_allocations(size_t smallest) {
  failing_at = 0;
  counted_from = smallest;
  made = 0;
  largest = 0;
}
uint64_t allocation_count() {
  return made.load();
}
size_t largest_allocation() {
  return largest.load();
}
void fail_allocation(uint64_t nth, bool every_one_after, size_t smallest) {
  count_allocations(smallest);
  all_after = every_one_after;
  failed = false;
  failing_at = nth;
}
bool stop_failing() {
  failing_at = 0;
  return failed.load();
}

}  // namespace hone::hardening

using hone::hardening::pass;
using hone::hardening::take;
using hone::hardening::take_or_throw;

extern "C" void* __wrap_aligned_alloc(size_t alignment, size_t size) {
  if (pass(size)) return __real_aligned_alloc(alignment, size);
  errno = ENOMEM;
  return nullptr;
}
extern "C" void* __wrap_mmap(void* address, size_t size, int access, int flags, int fd, off_t offset) {
  if (fd >= 0 || pass(size)) return __real_mmap(address, size, access, flags, fd, offset);
  errno = ENOMEM;
  return MAP_FAILED;
}

void* operator new(size_t size) {
  return take_or_throw(size);
}
void* operator new[](size_t size) {
  return take_or_throw(size);
}
void* operator new(size_t size, std::align_val_t alignment) {
  return take_or_throw(size, static_cast<size_t>(alignment));
}
void* operator new[](size_t size, std::align_val_t alignment) {
  return take_or_throw(size, static_cast<size_t>(alignment));
}
void* operator new(size_t size, const std::nothrow_t&) noexcept {
  return take(size, 1);
}
void* operator new[](size_t size, const std::nothrow_t&) noexcept {
  return take(size, 1);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, size_t, std::align_val_t) noexcept {
  std::free(memory);
}
