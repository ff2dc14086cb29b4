#include "ops/scratch.h"

#include <cstdlib>
#include <memory>

#include "base/error.h"
#include "base/per_thread.h"

namespace hone {
namespace {

struct Free {
  void operator()(std::byte* p) const { std::free(p); }
};
struct Buffer {
  std::unique_ptr<std::byte, Free> data;
  size_t size = 0;
};
struct Buffers {
  Buffer of_slot[static_cast<size_t>(ScratchSlot::kCount)];
};

}  // namespace

std::byte* scratch_bytes(size_t n, ScratchSlot slot) {
  Buffer& buffer = per_thread<Buffers>().of_slot[static_cast<size_t>(slot)];
  if (buffer.size < n) {
    const size_t bytes = (n + 63) / 64 * 64;
    buffer.size = 0;
    buffer.data.reset(static_cast<std::byte*>(std::aligned_alloc(64, bytes)));
    if (!buffer.data)
      fail(ErrorCode::kResourceExhausted, "memory: cannot allocate {} bytes of scratch", bytes);
    buffer.size = bytes;
  }
  return buffer.data.get();
}

}  // namespace hone
