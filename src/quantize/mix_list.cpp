// The mixes. Those of the 256-weight formats and of iq4_nl are the ones llama.cpp's users know by these
// names, tensor by tensor; mxfp4 and nvfp4 have no such name.
#include "quantize/mix_list.h"

#include <string>

#include "base/error.h"

namespace hone {
namespace {

using enum FormatId;
using enum TensorRole;

// Errors of the vocabulary projection go straight to the logits, and it is used once per token.
constexpr MixRow kOutputQ8[] = {{kOutput, Layers::kAll, kQ8_0}};
constexpr MixRow kOutputQ6[] = {{kOutput, Layers::kAll, kQ6_K}};

constexpr MixRow k2Bits[] = {
    {kOutput, Layers::kAll, kQ6_K},  {kAttnV, Layers::kSharedHeads, kQ4_K}, {kAttnV, Layers::kAll, kQ3_K},
    {kFfnDown, Layers::kAll, kQ3_K}, {kAttnOutput, Layers::kAll, kQ3_K},
};
constexpr MixRow kMedium3[] = {
    {kOutput, Layers::kAll, kQ6_K},  {kAttnV, Layers::kFirst2, kQ5_K},
    {kAttnV, Layers::kAll, kQ4_K},   {kFfnDown, Layers::kFirstSixteenth, kQ5_K},
    {kFfnDown, Layers::kAll, kQ4_K}, {kAttnOutput, Layers::kAll, kQ4_K},
};
constexpr MixRow kLarge3[] = {
    {kOutput, Layers::kAll, kQ6_K},
    {kAttnV, Layers::kAll, kQ5_K},
    {kFfnDown, Layers::kAll, kQ5_K},
    {kAttnOutput, Layers::kAll, kQ5_K},
};
constexpr MixRow kSmall4[] = {
    {kOutput, Layers::kAll, kQ6_K},
    {kAttnV, Layers::kFirst4, kQ5_K},
    {kFfnDown, Layers::kFirstEighth, kQ5_K},
};
// Of the 4-bit mix and of the 5-bit one.
constexpr MixRow kMedium[] = {
    {kOutput, Layers::kAll, kQ6_K},
    {kAttnV, Layers::kSensitive, kQ6_K},
    {kFfnDown, Layers::kSensitive, kQ6_K},
};
constexpr MixRow kNonlinear4[] = {
    {kOutput, Layers::kAll, kQ6_K},
    {kAttnV, Layers::kSharedHeads, kQ5_K},
    {kFfnDown, Layers::kFirstEighth, kQ5_K},
};
constexpr MixRow kTernary[] = {
    {kOutput, Layers::kAll, kQ6_K},
    {kTokenEmbd, Layers::kAll, kQ4_K},
};

constexpr Mix kMixes[] = {
    {"f32", kF32, 0},
    {"f16", kF16, 1},
    {"bf16", kBF16, 32},
    {"q8_0", kQ8_0, 7},
    {"q6_k", kQ6_K, 18},
    {"q5_k_m", kQ5_K, 17, kMedium},
    {"q5_k_s", kQ5_K, 16, kOutputQ6},
    {"q5_1", kQ5_1, 9, kOutputQ8},
    {"q5_0", kQ5_0, 8, kOutputQ8},
    {"q4_k_m", kQ4_K, 15, kMedium},
    {"q4_k_s", kQ4_K, 14, kSmall4},
    {"q4_1", kQ4_1, 3, kOutputQ8},
    {"q4_0", kQ4_0, 2, kOutputQ8},
    {"iq4_nl", kIQ4_NL, 25, kNonlinear4},
    {"iq4_xs", kIQ4_XS, 30, kNonlinear4},
    {"mxfp4", kMXFP4, 38, kOutputQ8},
    {"mxfp4_moe", kQ8_0, 38},  // the experts of a mixture would be mxfp4
    {"nvfp4", kNVFP4, 39, kOutputQ8},
    {"q3_k_l", kQ3_K, 13, kLarge3},
    {"q3_k_m", kQ3_K, 12, kMedium3},
    {"q3_k_s", kQ3_K, 11, kOutputQ6},
    {"q2_k", kQ2_K, 10, k2Bits},
    {"tq2_0", kTQ2_0, 37, kTernary},
    {"tq1_0", kTQ1_0, 36, kTernary},
};

}  // namespace

std::span<const Mix> all_mixes() noexcept {
  return kMixes;
}

const Mix* find_mix(std::string_view name) noexcept {
  const auto is = [](std::string_view mix, std::string_view wanted) {
    return mix == wanted || (mix.ends_with("_m") && mix.substr(0, mix.size() - 2) == wanted);
  };
  for (const Mix& mix : kMixes)
    if (is(mix.name, name)) return &mix;
  return nullptr;
}

void require_written(std::string_view name, std::string_view where) {
  const Format* format = find_format(name);
  if (format == nullptr || format->encodes()) return;
  std::string known;
  for (const Format* f : all_formats())
    if (f->encodes()) known += (known.empty() ? "" : ", ") + std::string(f->name);
  fail(ErrorCode::kNotSupported,
       "{}: got \"{}\", which hone reads and runs but does not write; expected one of {}; llama.cpp's "
       "llama-quantize "
       "writes it",
       where, name, known);
}

const Mix& mix_named(std::string_view name) {
  if (const Mix* mix = find_mix(name)) return *mix;
  require_written(name, "quantize: target");
  std::string known;
  for (const Mix& mix : kMixes) known += (known.empty() ? "" : ", ") + std::string(mix.name);
  fail(ErrorCode::kInvalidArgument, "quantize: target: got \"{}\", expected one of {}", name, known);
}

bool among(Layers layers, size_t i, size_t n, size_t heads_per_kv) noexcept {
  switch (layers) {
    case Layers::kAll:
      return true;
    case Layers::kFirst2:
      return i < 2;
    case Layers::kFirst4:
      return i < 4;
    case Layers::kFirstSixteenth:
      return i < n / 16;
    case Layers::kFirstEighth:
      return i < n / 8;
    case Layers::kSensitive:
      return i < n / 8 || i >= 7 * n / 8 || (i - n / 8) % 3 == 2;
    case Layers::kSharedHeads:
      return heads_per_kv >= 4;
  }
  return false;
}

}  // namespace hone
