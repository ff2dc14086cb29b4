// Conversion to GGUF, and of elements; see convert.h.
#include "models/convert.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/threads.h"
#include "io/gguf.h"

namespace hone {
namespace {

// A multiple of every format's block.
constexpr size_t kChunkElems = 1u << 16;
constexpr float kMaxF16 = 65504.0f;

uint32_t file_type_of(const std::vector<TensorInfo>& tensors) {
  std::map<uint32_t, uint64_t> n_elements;
  for (const TensorInfo& info : tensors)
    if (info.shape.size() > 1) n_elements[info.format->file_type] += info.n_elements();
  uint32_t best = 0;
  uint64_t most = 0;
  for (const auto& [type, n] : n_elements) {
    if (n <= most) continue;
    best = type;
    most = n;
  }
  return best;
}

void check_f16(std::string_view name, std::span<const float> values) {
  for (const float value : values) {
    if (std::isfinite(value) && std::abs(value) > kMaxF16)
      fail(ErrorCode::kInvalidArgument,
           "tensor '{}': got the value {}, f16 holds at most {}; convert to bf16 or f32 instead", name, value,
           kMaxF16);
  }
}

}  // namespace

std::vector<std::byte> convert_elements(std::string_view name, const Format& stored,
                                        std::span<const std::byte> from, const Format& target, size_t n) {
  HONE_CHECK(from.size() == stored.bytes(n) && n % stored.block_elems == 0, "bytes={} n={}", from.size(), n);
  std::vector<std::byte> out(target.bytes(n));
  if (&stored == &target) {
    std::memcpy(out.data(), from.data(), out.size());
    return out;
  }
  thread_pool().run((n + kChunkElems - 1) / kChunkElems, [&](size_t chunk, int) {
    const size_t begin = chunk * kChunkElems, count = std::min(kChunkElems, n - begin);
    std::vector<float> values(count);
    stored.to_float(from.data() + stored.bytes(begin), values.data(), count);
    if (target.id == FormatId::kF16) check_f16(name, values);
    target.from_float(values.data(), out.data() + target.bytes(begin), count);
  });
  return out;
}

void convert_to_gguf(WeightSource& source, const std::filesystem::path& path, std::string_view target,
                     const std::string& chat_template) {
  const Format* format = target == "keep" ? nullptr : find_format(target);
  if (target != "keep" && (format == nullptr || format->quantized))
    fail(ErrorCode::kInvalidArgument,
         "target format: got '{}', expected f32, f16, bf16 or keep; see hone quantize", target);
  std::vector<TensorInfo> tensors = source.tensors();
  bool quantized = false;
  for (TensorInfo& info : tensors) {
    if (format != nullptr) info.format = info.shape.size() == 1 ? &format_of(FormatId::kF32) : format;
    quantized |= info.format->quantized;
  }
  Metadata metadata = source.metadata();
  if (!chat_template.empty()) metadata.set_string("tokenizer.chat_template", chat_template);
  if (format != nullptr) metadata.set_u32("general.file_type", file_type_of(tensors));
  if (!quantized) metadata.erase("general.quantization_version");
  GgufWriter writer(path, metadata, tensors);
  for (size_t i = 0; i < tensors.size(); ++i) {
    throw_if_interrupted("converting");
    const Format& stored = *source.tensors()[i].format;
    if (&stored == tensors[i].format) {
      writer.write_tensor(source.data(i));
    } else {
      writer.write_tensor(convert_elements(tensors[i].name, stored, source.data(i), *tensors[i].format,
                                           tensors[i].n_elements()));
    }
    source.release(i);
  }
  writer.commit();
}

}  // namespace hone
