#include "io/gguf_layout.h"

#include <array>

#include "base/checked.h"
#include "base/error.h"

namespace hone::gguf {

uint64_t alignment_of(const Metadata& metadata, const std::string& where) {
  const MetaValue* value = metadata.find(kAlignmentKey);
  if (value == nullptr) return kDefaultAlignment;
  if (value->type != MetaType::kU32)
    fail(ErrorCode::kCorruption, "{}: {}: got type {}, expected u32", where, kAlignmentKey,
         meta_type_name(value->type));
  const uint64_t alignment = std::get<uint64_t>(value->value);
  if (!std::has_single_bit(alignment))
    fail(ErrorCode::kCorruption, "{}: {}: got {}, expected a power of two", where, kAlignmentKey, alignment);
  return alignment;
}

uint64_t checked_tensor_bytes(const TensorInfo& tensor, const std::string& where) {
  if (tensor.shape.empty() || tensor.shape.size() > kMaxDims)
    fail(ErrorCode::kCorruption, "{}: tensor {}: got {} dimensions, expected 1 to {}", where,
         printable(tensor.name), tensor.shape.size(), kMaxDims);
  uint64_t elements = 1;
  for (const uint64_t d : tensor.shape) {
    if (d == 0)
      fail(ErrorCode::kCorruption, "{}: tensor {}: got a dimension of 0, expected at least 1", where,
           printable(tensor.name));
    elements = checked_mul(elements, d, where.c_str());
  }
  const Format& format = *tensor.format;
  if (tensor.shape[0] % format.block_elems != 0)
    fail(ErrorCode::kCorruption, "{}: tensor {}: got rows of {} elements, expected a multiple of {} for {}",
         where, printable(tensor.name), tensor.shape[0], format.block_elems, format.name);
  return checked_mul(elements / format.block_elems, format.block_bytes, where.c_str());
}

uint64_t padded(uint64_t value, uint64_t alignment, const std::string& where) {
  return checked_add(value, alignment - 1, where.c_str()) / alignment * alignment;
}

const char* tensor_type_name(uint32_t type) noexcept {
  static constexpr std::array<const char*, 41> kNames = {
      "f32",   "f16",        "q4_0",       "q4_1",       "q4_2",     "q4_3",     "q5_0",
      "q5_1",  "q8_0",       "q8_1",       "q2_k",       "q3_k",     "q4_k",     "q5_k",
      "q6_k",  "q8_k",       "iq2_xxs",    "iq2_xs",     "iq3_xxs",  "iq1_s",    "iq4_nl",
      "iq3_s", "iq2_s",      "iq4_xs",     "i8",         "i16",      "i32",      "i64",
      "f64",   "iq1_m",      "bf16",       "q4_0_4_4",   "q4_0_4_8", "q4_0_8_8", "tq1_0",
      "tq2_0", "iq4_nl_4_4", "iq4_nl_4_8", "iq4_nl_8_8", "mxfp4",    "nvfp4"};
  return type < kNames.size() ? kNames[type] : "unknown";
}

}  // namespace hone::gguf
