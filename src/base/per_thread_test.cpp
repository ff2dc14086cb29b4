#include "base/per_thread.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>

namespace hone {
namespace {

std::atomic<int> alive = 0;

struct Counted {
  int value = 0;
  Counted() { ++alive; }
  ~Counted() { --alive; }
};

TEST(PerThread, EveryThreadHasItsOwnUntilItEnds) {
  per_thread<Counted>().value = 7;
  EXPECT_EQ(alive, 1);
  std::thread other([] {
    EXPECT_EQ(per_thread<Counted>().value, 0);
    per_thread<Counted>().value = 8;
    EXPECT_EQ(per_thread<Counted>().value, 8);
    EXPECT_EQ(alive, 2);
  });
  other.join();
  EXPECT_EQ(alive, 1);
  EXPECT_EQ(per_thread<Counted>().value, 7);
}

struct Refused {
  static inline bool refuse = true;
  Refused() {
    if (refuse) throw std::runtime_error("no memory");
  }
};

// As where there is no memory.
TEST(PerThread, WhatCouldNotBeMadeIsMadeLater) {
  EXPECT_THROW(per_thread<Refused>(), std::runtime_error);
  Refused::refuse = false;
  EXPECT_EQ(&per_thread<Refused>(), &per_thread<Refused>());
}

}  // namespace
}  // namespace hone
