#include "cpu/isa.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <array>
#include <cstdlib>
#include <string>

#include "base/error.h"

namespace hone {
namespace {

constexpr std::array kIsas = {Isa::kAvx512, Isa::kAvx2, Isa::kScalar};

Isa choose() {
  if (const char* wanted = std::getenv("HONE_ISA"); wanted != nullptr && *wanted != '\0') {
    for (const Isa isa : kIsas) {
      if (std::string_view(wanted) != isa_name(isa)) continue;
      if (!isa_supported(isa))
        fail(ErrorCode::kNotSupported, "HONE_ISA: this machine has no {}; unset it to use the best it has",
             wanted);
      return isa;
    }
    fail(ErrorCode::kInvalidArgument, "HONE_ISA: got '{}', expected scalar, avx2 or avx512", wanted);
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

bool is_intel() noexcept {
#if defined(__x86_64__)
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid(0, &eax, &ebx, &ecx, &edx) != 0 && ebx == signature_INTEL_ebx;
#else
  return false;
#endif
}

bool choose_bf16() {
  const bool has = active_isa() == Isa::kAvx512;
  const char* wanted = std::getenv("HONE_BF16");
  if (wanted == nullptr || *wanted == '\0') return has && !is_intel();
  const std::string_view value = wanted;
  if (value != "0" && value != "1")
    fail(ErrorCode::kInvalidArgument, "HONE_BF16: got '{}', expected 0 or 1", value);
  if (value == "1" && !has)
    fail(ErrorCode::kNotSupported, "HONE_BF16: {} has no products in bf16; unset it", isa_name(active_isa()));
  return value == "1";
}

}  // namespace

bool has_avx_vnni() noexcept {
#if defined(__x86_64__)
  static const bool has = [] {
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    constexpr unsigned kAvxVnniBit = 1u << 4;  // leaf 7, subleaf 1
    return isa_supported(Isa::kAvx2) && __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0 &&
           (eax & kAvxVnniBit) != 0;
  }();
  return has;
#else
  return false;
#endif
}

const char* isa_name(Isa isa) noexcept {
  switch (isa) {
    case Isa::kScalar:
      return "scalar";
    case Isa::kAvx2:
      return "avx2";
    case Isa::kAvx512:
      return "avx512";
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

bool bf16_pays() {
  static const bool pays = choose_bf16();
  return pays;
}

}  // namespace hone
