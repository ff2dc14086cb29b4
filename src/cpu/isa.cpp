#include "cpu/isa.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include <array>
#include <cstdlib>
#include <string>

#include "base/error.h"

namespace hone {
namespace {

constexpr std::array kIsas = {Isa::kAmx, Isa::kAvx512, Isa::kAvx2, Isa::kScalar};

Isa choose() {
  if (const char* wanted = std::getenv("HONE_ISA"); wanted != nullptr && *wanted != '\0') {
    for (const Isa isa : kIsas) {
      if (std::string_view(wanted) != isa_name(isa)) continue;
      if (!isa_supported(isa))
        fail(ErrorCode::kNotSupported, "HONE_ISA: this machine has no {}; unset it to use the best it has",
             wanted);
      return isa;
    }
    fail(ErrorCode::kInvalidArgument, "HONE_ISA: got '{}', expected scalar, avx2, avx512 or amx", wanted);
  }
  for (const Isa isa : kIsas)
    if (isa_supported(isa)) return isa;
  return Isa::kScalar;
}

#if defined(__x86_64__)
// Clang 14 does not know __builtin_cpu_supports("f16c").
bool has_f16c() noexcept {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & bit_F16C) != 0;
}
#endif

// Leaf 7 of cpuid, which most instruction sets are told in.
struct Features {
  unsigned eax = 0, edx = 0;
};
Features features(unsigned subleaf) noexcept {
  Features f;
#if defined(__x86_64__)
  unsigned ebx = 0, ecx = 0;
  if (__get_cpuid_count(7, subleaf, &f.eax, &ebx, &ecx, &f.edx) == 0) return {};
#endif
  return f;
}

#if defined(__x86_64__)
// Linux saves the tile registers only of processes that ask for them, each once and with all its threads.
bool may_use_tiles() noexcept {
#if defined(__linux__)
  constexpr long kAskForState = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM
  static const bool may = syscall(SYS_arch_prctl, kAskForState, kTileData) == 0;
  return may;
#else
  return false;
#endif
}

bool has_amx() noexcept {
  constexpr unsigned kBits = 1u << 22 | 1u << 24 | 1u << 25;  // subleaf 0, edx: BF16, TILE, INT8
  return isa_supported(Isa::kAvx512) && (features(0).edx & kBits) == kBits && may_use_tiles();
}
#endif

// Whether the instruction set includes AVX-512.
bool is_avx512(Isa isa) noexcept {
  return isa == Isa::kAvx512 || isa == Isa::kAmx;
}

bool is_intel() noexcept {
#if defined(__x86_64__)
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid(0, &eax, &ebx, &ecx, &edx) != 0 && ebx == signature_INTEL_ebx;
#else
  return false;
#endif
}

bool has_products(FloatProducts products) {
  switch (products) {
    case FloatProducts::kF32:
      return true;
    case FloatProducts::kBf16:
      return is_avx512(active_isa());
    case FloatProducts::kF16:
      return active_isa() == Isa::kScalar || (is_avx512(active_isa()) && has_avx512_fp16());
    case FloatProducts::kI16:
      return !is_avx512(active_isa());
  }
  return false;
}

FloatProducts choose_products() {
  const char* wanted = std::getenv("HONE_PRODUCTS");
  if (wanted == nullptr || *wanted == '\0') {
    if (active_isa() == Isa::kAvx2) return FloatProducts::kI16;
    if (active_isa() == Isa::kScalar) return FloatProducts::kF32;
    if (!is_intel() || active_isa() == Isa::kAmx) return FloatProducts::kBf16;
    return has_avx512_fp16() ? FloatProducts::kF16 : FloatProducts::kF32;
  }
  for (const FloatProducts products :
       {FloatProducts::kF32, FloatProducts::kBf16, FloatProducts::kF16, FloatProducts::kI16}) {
    if (std::string_view(wanted) != products_name(products)) continue;
    if (!has_products(products))
      fail(ErrorCode::kNotSupported, "HONE_PRODUCTS: no products in {} with {} on this machine; unset it",
           wanted, isa_name(active_isa()));
    return products;
  }
  fail(ErrorCode::kInvalidArgument, "HONE_PRODUCTS: got '{}', expected f32, bf16, f16 or i16", wanted);
}

}  // namespace

bool has_avx_vnni() noexcept {
  constexpr unsigned kBit = 1u << 4;  // subleaf 1, eax
  static const bool has = isa_supported(Isa::kAvx2) && (features(1).eax & kBit) != 0;
  return has;
}

bool has_avx512_fp16() noexcept {
  constexpr unsigned kBit = 1u << 23;  // subleaf 0, edx
  static const bool has = isa_supported(Isa::kAvx512) && (features(0).edx & kBit) != 0;
  return has;
}

const char* products_name(FloatProducts products) noexcept {
  switch (products) {
    case FloatProducts::kF32:
      return "f32";
    case FloatProducts::kBf16:
      return "bf16";
    case FloatProducts::kF16:
      return "f16";
    case FloatProducts::kI16:
      return "i16";
  }
  return "?";
}

const char* isa_name(Isa isa) noexcept {
  switch (isa) {
    case Isa::kScalar:
      return "scalar";
    case Isa::kAvx2:
      return "avx2";
    case Isa::kAvx512:
      return "avx512";
    case Isa::kAmx:
      return "amx";
  }
  return "?";
}

bool isa_supported(Isa isa) noexcept {
#if defined(__x86_64__)
  __builtin_cpu_init();
  switch (isa) {
    case Isa::kScalar:
      return true;
    case Isa::kAvx2:
      return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0 && has_f16c();
    case Isa::kAvx512:
      return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
             __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vl") != 0 &&
             __builtin_cpu_supports("avx512vnni") != 0 && __builtin_cpu_supports("avx512bf16") != 0;
    case Isa::kAmx: {
      static const bool has = has_amx();
      return has;
    }
  }
  return false;
#else
  return isa == Isa::kScalar;
#endif
}

std::span<const Isa> all_isas() noexcept {
  return kIsas;
}

Isa active_isa() {
  static const Isa isa = choose();
  return isa;
}

FloatProducts fast_products() {
  static const FloatProducts products = choose_products();
  return products;
}

}  // namespace hone
