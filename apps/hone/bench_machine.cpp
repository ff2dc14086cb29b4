// Each loop keeps enough independent accumulators in registers to hide the latency of its instruction. The
// loops carry their instruction set as a function attribute and run only when it is active.
#include "bench_machine.h"

#include <immintrin.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <vector>

#include "base/error.h"
#include "base/large_memory.h"
#include "base/threads.h"
#include "cpu/isa.h"
#include "kernels/ahead.h"

namespace hone::cli {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int kAccumulators = 24;
constexpr int kSteps = 2000;
constexpr double kSeconds = 0.15;  // of one measurement
constexpr int kRuns = 3;
constexpr size_t kStreamBytes = size_t{256} << 20, kStretch = 256;

// One call of a loop does kSteps * kAccumulators instructions.
using Loop = void (*)();

// Keeps a value alive without storing it.
template <typename T>
inline void keep(T& value) {
  asm volatile("" : "+x"(value));
}
template <typename T>
inline void keep_512(T& value) {
  asm volatile("" : "+v"(value));
}

void f32_scalar() {
  float sum[kAccumulators] = {};
  for (float& s : sum) keep(s);
  float a = 1.0f, b = 0.5f;
  keep(a);
  keep(b);
  for (int step = 0; step < kSteps; ++step) {
    for (float& s : sum) s = s * a + b;
    keep(sum[0]);
  }
  for (float& s : sum) keep(s);
}

__attribute__((target("avx2,fma"))) void f32_avx2() {
  constexpr int kHere = 12;  // 16 registers
  __m256 sum[kHere] = {};
  for (__m256& s : sum) keep(s);  // unknown and so distinct to the compiler
  __m256 a = _mm256_set1_ps(1.0f), b = _mm256_set1_ps(0.5f);
  for (int step = 0; step < kSteps * kAccumulators / kHere; ++step) {
    keep(a);
    keep(b);
#pragma GCC unroll 12
    for (int i = 0; i < kHere; ++i) sum[i] = _mm256_fmadd_ps(a, b, sum[i]);
  }
  for (__m256& s : sum) keep(s);
}

__attribute__((target("avx512f"))) void f32_avx512() {
  __m512 sum[kAccumulators] = {};
  for (__m512& s : sum) keep_512(s);  // unknown and so distinct to the compiler
  __m512 a = _mm512_set1_ps(1.0f), b = _mm512_set1_ps(0.5f);
  for (int step = 0; step < kSteps; ++step) {
    keep_512(a);
    keep_512(b);
#pragma GCC unroll 24
    for (int i = 0; i < kAccumulators; ++i) sum[i] = _mm512_fmadd_ps(a, b, sum[i]);
  }
  for (__m512& s : sum) keep_512(s);
}

__attribute__((target("avx512f,avx512bf16"))) void bf16_avx512() {
  __m512 sum[kAccumulators] = {};
  for (__m512& s : sum) keep_512(s);  // unknown and so distinct to the compiler
  // 1.0 in bf16 in both halves of every lane; GCC keeps bf16 vectors apart from integers.
  __m512i ones = _mm512_set1_epi32(0x3f803f80);
  for (int step = 0; step < kSteps; ++step) {
    keep_512(ones);
    __m512bh x;
    std::memcpy(&x, &ones, sizeof x);
#pragma GCC unroll 24
    for (int i = 0; i < kAccumulators; ++i) sum[i] = _mm512_dpbf16_ps(sum[i], x, x);
  }
  for (__m512& s : sum) keep_512(s);
}

// GCC 12 keeps the sums of vpdpbusd's intrinsic in memory, so the registers are named: zmm24 times itself
// into zmm0 to 23.
#define HONE_NAMED_SUMS(instruction)                                                                       \
  asm volatile(".irp sum,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23\n\t" instruction    \
               " %%zmm24, %%zmm24, %%zmm\\sum\n\t"                                                         \
               ".endr"                                                                                     \
               :                                                                                           \
               :                                                                                           \
               : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",  \
                 "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", \
                 "xmm21", "xmm22", "xmm23")

__attribute__((target("avx512f,avx512vnni"))) void int8_avx512() {
  for (int step = 0; step < kSteps; ++step) HONE_NAMED_SUMS("vpdpbusd");
}

__attribute__((target("avx512f"))) void f16_avx512() {
  asm volatile("vpxord %%zmm24, %%zmm24, %%zmm24" : : : "xmm24");
  for (int step = 0; step < kSteps; ++step) HONE_NAMED_SUMS("vfmadd231ph");
}

// Registers of 16 rows of 64 bytes: four sums take turns, each of the same two operands, zeros.
#define HONE_TILE_SUMS(instruction)                                                              \
  struct alignas(64) {                                                                           \
    uint8_t palette = 1, start_row = 0, reserved[14] = {};                                       \
    uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64};                                           \
    uint8_t rows[16] = {16, 16, 16, 16, 16, 16};                                                 \
  } shapes;                                                                                      \
  asm volatile("ldtilecfg %0" : : "m"(shapes));                                                  \
  for (int step = 0; step < kSteps * kAccumulators / 4; ++step)                                  \
    asm volatile(".irp sum,0,1,2,3\n\t" instruction " %%tmm5, %%tmm4, %%tmm\\sum\n\t.endr" : :); \
  asm volatile("tilerelease" : :)

void bf16_amx() {
  HONE_TILE_SUMS("tdpbf16ps");
}

void int8_amx() {
  HONE_TILE_SUMS("tdpbssd");
}

// The same for ymm0 to 11: `step` writes to ymm\\sum, and ymm12 and 13 are free.
#define HONE_NAMED_SUMS_256(step)                                                                         \
  asm volatile(".irp sum,0,1,2,3,4,5,6,7,8,9,10,11\n\t" step "\n\t.endr"                                  \
               :                                                                                          \
               :                                                                                          \
               : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", \
                 "xmm11", "xmm12", "xmm13")
constexpr int kSteps256 = kSteps * kAccumulators / 12;

// vpmaddubsw and an addition: what products of codes that are small enough to be summed in 16 bits for a
// while come to at best.
__attribute__((target("avx2"))) void int8_avx2() {
  for (int step = 0; step < kSteps256; ++step)
    HONE_NAMED_SUMS_256(
        "vpmaddubsw %%ymm12, %%ymm12, %%ymm13\n\t"
        "vpaddw %%ymm13, %%ymm\\sum, %%ymm\\sum");
}

// vpmaddwd and an addition: products in 16-bit fixed point.
__attribute__((target("avx2"))) void i16_avx2() {
  for (int step = 0; step < kSteps256; ++step)
    HONE_NAMED_SUMS_256(
        "vpmaddwd %%ymm12, %%ymm12, %%ymm13\n\t"
        "vpaddd %%ymm13, %%ymm\\sum, %%ymm\\sum");
}

// In the VEX encoding.
__attribute__((target("avx2"))) void int8_avx_vnni() {
  for (int step = 0; step < kSteps256; ++step)
    HONE_NAMED_SUMS_256("%{vex%} vpdpbusd %%ymm12, %%ymm12, %%ymm\\sum");
}

// Runs `body` on n threads for about kSeconds; returns calls per second of all threads together.
double calls_per_second(int n_threads, const std::function<void(int)>& body) {
  std::vector<double> rates;
  ThreadPool pool(n_threads);
  for (int run = 0; run < kRuns; ++run) {
    std::barrier start(n_threads);
    std::vector<double> rate(static_cast<size_t>(n_threads));
    // Each item waits for all others: one thread takes one.
    pool.run(static_cast<size_t>(n_threads), [&](size_t item, int) {
      const int thread = static_cast<int>(item);
      body(thread);  // warm
      start.arrive_and_wait();
      const auto begin = Clock::now();
      uint64_t calls = 0;
      double seconds = 0;
      while (seconds < kSeconds) {
        body(thread);
        ++calls;
        seconds = std::chrono::duration<double>(Clock::now() - begin).count();
      }
      rate[static_cast<size_t>(thread)] = static_cast<double>(calls) / seconds;
    });
    double sum = 0;
    for (const double r : rate) sum += r;
    rates.push_back(sum);
  }
  std::sort(rates.begin(), rates.end());
  return rates[rates.size() / 2];
}

// 1e9 operations per second; `operations` per instruction, a multiply-add being two.
double giga_operations(int n_threads, Loop loop, double operations) {
  return calls_per_second(n_threads, [loop](int) { loop(); }) * kSteps * kAccumulators * operations * 1e-9;
}

double read_gigabytes(int n_threads) {
  const size_t each = kStreamBytes / static_cast<size_t>(n_threads) / kStretch * kStretch;
  std::vector<std::shared_ptr<std::byte>> parts;
  for (int thread = 0; thread < n_threads; ++thread) {
    parts.push_back(allocate_large(each));
    if (!parts.back()) fail(ErrorCode::kResourceExhausted, "memory: cannot hold {} bytes to read", each);
    std::memset(parts.back().get(), 1, each);
  }
  std::atomic<uint64_t> sink{0};
  const double calls = calls_per_second(n_threads, [&](int thread) {
    // One word of every cache line: the lines are what memory delivers. Asked for ahead, as the products do.
    const std::byte* part = parts[static_cast<size_t>(thread)].get();
    uint64_t sum = 0;
    for (size_t at = 0; at < each; at += kStretch) {
      ask_ahead(part + at, kStretch);
      for (size_t line = at; line < at + kStretch; line += 64) {
        uint64_t word;
        std::memcpy(&word, part + line, sizeof word);
        sum += word;
      }
    }
    sink += sum;
  });
  return calls * static_cast<double>(each) * 1e-9;
}

}  // namespace

MachineLimits measure_machine(int n_threads) {
  MachineLimits limits;
  switch (active_isa()) {
    case Isa::kAmx:
      limits.f32_gflops = giga_operations(n_threads, f32_avx512, 16 * 2);
      limits.bf16_gflops = giga_operations(n_threads, bf16_amx, 16 * 16 * 32 * 2);
      limits.int8_gops = giga_operations(n_threads, int8_amx, 16 * 16 * 64 * 2);
      break;
    case Isa::kAvx512:
      limits.f32_gflops = giga_operations(n_threads, f32_avx512, 16 * 2);
      limits.bf16_gflops = giga_operations(n_threads, bf16_avx512, 32 * 2);
      if (has_avx512_fp16()) limits.f16_gflops = giga_operations(n_threads, f16_avx512, 32 * 2);
      limits.int8_gops = giga_operations(n_threads, int8_avx512, 64 * 2);
      break;
    case Isa::kAvx2:
      limits.f32_gflops = giga_operations(n_threads, f32_avx2, 8 * 2);
      limits.i16_gops = giga_operations(n_threads, i16_avx2, 16 * 2);
      limits.int8_gops = giga_operations(n_threads, has_avx_vnni() ? int8_avx_vnni : int8_avx2, 32 * 2);
      break;
    case Isa::kScalar:
      limits.f32_gflops = giga_operations(n_threads, f32_scalar, 2);
      break;
  }
  limits.read_gb_s = read_gigabytes(n_threads);
  return limits;
}

}  // namespace hone::cli
