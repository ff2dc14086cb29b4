#include "base/large_memory.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <vector>

namespace hone {
namespace {

TEST(LargeMemory, PiecesAreAlignedZeroedAndApart) {
  std::vector<std::shared_ptr<std::byte>> pieces;
  const std::vector<size_t> sizes = {1, 64, 100, 3 << 20, 70 << 20, 5};
  for (const size_t size : sizes) {
    pieces.push_back(allocate_large(size));
    ASSERT_NE(pieces.back(), nullptr);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(pieces.back().get()) % 64, 0u);
    EXPECT_EQ(pieces.back().get()[size - 1], std::byte{0});
    std::memset(pieces.back().get(), static_cast<int>(pieces.size()), size);
  }
  for (size_t i = 0; i < pieces.size(); ++i) {
    EXPECT_EQ(pieces[i].get()[0], static_cast<std::byte>(i + 1));
    EXPECT_EQ(pieces[i].get()[sizes[i] - 1], static_cast<std::byte>(i + 1));
  }
}

TEST(LargeMemory, APieceOutlivesItsNeighbours) {
  std::shared_ptr<std::byte> kept = allocate_large(1000);
  std::memset(kept.get(), 7, 1000);
  for (int i = 0; i < 10; ++i) allocate_large(size_t{40} << 20);
  EXPECT_EQ(kept.get()[999], std::byte{7});
}

}  // namespace
}  // namespace hone
