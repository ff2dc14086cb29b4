#include "ops/kv_layer.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>

#include "base/error.h"
#include "base/round.h"
#include "kernels/kernels.h"
#include "kernels/packed_layout.h"
#include "ops/matrix.h"
#include "ops/scratch.h"

namespace hone {
namespace {

// Names are llama.cpp's; the weight format stores an element the same way.
struct Entry {
  KvFormat format;
  const char* name;
  FormatId stored;
};
constexpr Entry kFormats[] = {{KvFormat::kF32, "f32", FormatId::kF32},
                              {KvFormat::kF16, "f16", FormatId::kF16},
                              {KvFormat::kQ8_0, "q8_0", FormatId::kQ8_0}};

const Entry& entry_of(KvFormat format) noexcept {
  return kFormats[static_cast<size_t>(format)];
}
const Format& stored_format(KvFormat format) noexcept {
  return *find_format(entry_of(format).stored);
}

size_t padded(size_t capacity) {
  return round_up(capacity, KvLayer::kBlock);
}

// Zeroed: positions of a block that are not written yet are multiplied too, and their results dropped.
std::shared_ptr<std::byte> allocate(size_t bytes) {
  auto* memory = static_cast<std::byte*>(std::calloc(1, bytes + 64));
  if (memory == nullptr)
    fail(ErrorCode::kResourceExhausted,
         "memory: cannot hold {} bytes of keys and values; use a smaller context", bytes);
  return {memory, [](std::byte* p) { std::free(p); }};
}

// n (a multiple of 32) numbers as q8_0 blocks; the format's own rounding, but for ties (here to even).
void to_q8_0(const Kernels& ks, size_t n, const float* x, std::byte* out) {
  auto* codes = scratch<int8_t>(n, ScratchSlot::kCodes);
  auto* scales = scratch<float>(n / 32, ScratchSlot::kCodeScales);
  auto* sums = scratch<int32_t>(n / 16, ScratchSlot::kCodeSums);
  auto* halves = scratch<uint16_t>(n / 32, ScratchSlot::kHalves);
  ks.quantize_int8(n, x, codes, scales, sums);
  ks.f32_to_f16(n / 32, scales, halves);
  for (size_t b = 0; b < n / 32; ++b, out += 34) {
    std::memcpy(out, halves + b, 2);
    std::memcpy(out + 2, codes + 32 * b, 32);
  }
}

}  // namespace

const char* kv_format_name(KvFormat format) noexcept {
  return entry_of(format).name;
}

KvFormat kv_format_named(std::string_view name) {
  std::string known;
  for (const Entry& entry : kFormats) {
    if (name == entry.name) return entry.format;
    known += (known.empty() ? "" : ", ") + std::string(entry.name);
  }
  fail(ErrorCode::kInvalidArgument, "cache type: got '{}', expected one of: {}", name, known);
}

size_t KvLayer::bytes(size_t n_heads, size_t head_dim, size_t capacity, KvFormat format) noexcept {
  return 2 * n_heads * padded(capacity) * stored_format(format).bytes(head_dim);
}

KvLayer::KvLayer(size_t n_heads, size_t head_dim, size_t capacity, KvFormat format)
    : n_heads_(n_heads), head_dim_(head_dim), capacity_(padded(capacity)), format_(format) {
  const Format& stored = stored_format(format);
  if (head_dim % stored.block_elems != 0)
    fail(ErrorCode::kNotSupported,
         "cache type: got {}, whose blocks of {} do not divide this model's heads of {} dimensions; use f16",
         stored.name, stored.block_elems, head_dim);
  if (stored.quantized) packing_ = packing_of(stored);
  row_bytes_ = stored.bytes(head_dim);
  head_bytes_ = capacity_ * row_bytes_;
  keys_ = allocate(n_heads * head_bytes_);
  values_ = allocate(n_heads * head_bytes_);
}

template <typename Element>
void KvLayer::write_rows(size_t position, size_t n, const Element* keys, const Element* values) {
  const size_t width = n_heads_ * head_dim_;
  for (size_t head = 0; head < n_heads_; ++head) {
    auto* k = reinterpret_cast<Element*>(keys_.get() + head * head_bytes_);
    auto* v = reinterpret_cast<Element*>(values_.get() + head * head_bytes_);
    for (size_t i = 0; i < n; ++i) {
      const size_t p = position + i;
      Element* column = k + p / kBlock * kBlock * head_dim_ + p % kBlock;
      const Element* key = keys + i * width + head * head_dim_;
      for (size_t d = 0; d < head_dim_; ++d) column[d * kBlock] = key[d];
      std::memcpy(v + p * head_dim_, values + i * width + head * head_dim_, head_dim_ * sizeof(Element));
    }
  }
}

void KvLayer::write_halves(size_t position, size_t n, const float* keys, const float* values) {
  constexpr size_t kRows = 64;
  const size_t width = n_heads_ * head_dim_;
  auto* halves = scratch<uint16_t>(2 * kRows * width, ScratchSlot::kConverted);
  for (size_t i = 0; i < n; i += kRows) {
    const size_t rows = std::min(kRows, n - i);
    active_kernels().f32_to_f16(rows * width, keys + i * width, halves);
    active_kernels().f32_to_f16(rows * width, values + i * width, halves + rows * width);
    write_rows(position + i, rows, halves, halves + rows * width);
  }
}

void KvLayer::write_q8_0(size_t position, const float* key, const float* value) {
  const Kernels& ks = active_kernels();
  const size_t width = n_heads_ * head_dim_, lanes = packing_->lanes;
  auto* stored = scratch<std::byte>(2 * n_heads_ * row_bytes_, ScratchSlot::kConverted);
  const std::byte *k = stored, *v = stored + n_heads_ * row_bytes_;
  to_q8_0(ks, width, key, stored);
  to_q8_0(ks, width, value, stored + n_heads_ * row_bytes_);
  for (size_t head = 0; head < n_heads_; ++head, k += row_bytes_, v += row_bytes_) {
    pack_row(*packed_layout(FormatId::kQ8_0), lanes, head_dim_ / 32, k, position % lanes,
             keys_.get() + head * head_bytes_ + position / lanes * lanes * row_bytes_);
    std::memcpy(values_.get() + head * head_bytes_ + position * row_bytes_, v, row_bytes_);
  }
}

void KvLayer::write(size_t position, size_t n, const float* keys, const float* values) {
  HONE_CHECK(position + n <= capacity_);
  const size_t width = n_heads_ * head_dim_;
  switch (format_) {
    case KvFormat::kF32:
      return write_rows(position, n, keys, values);
    case KvFormat::kF16:
      return write_halves(position, n, keys, values);
    case KvFormat::kQ8_0:
      for (size_t i = 0; i < n; ++i) write_q8_0(position + i, keys + i * width, values + i * width);
  }
}

void KvLayer::copy_from(const KvLayer& other, size_t n) {
  HONE_CHECK(format_ == other.format_ && n_heads_ == other.n_heads_ && head_dim_ == other.head_dim_ &&
                 n <= capacity_ && n <= other.capacity_,
             "n={} capacity={} other={}", n, capacity_, other.capacity_);
  for (size_t head = 0; head < n_heads_; ++head) {
    std::memcpy(keys_.get() + head * head_bytes_, other.keys(head), padded(n) * row_bytes_);
    std::memcpy(values_.get() + head * head_bytes_, other.values(head), n * row_bytes_);
  }
}

void KvLayer::decode_keys(size_t head, size_t begin, size_t n, float* out) const {
  const std::byte* stored = keys(head) + begin * row_bytes_;
  const size_t rows = padded(n);
  if (packing_ == nullptr)
    return active_kernels().decode_row(entry_of(format_).stored)(stored, out, rows * head_dim_);
  for (size_t row = 0; row < rows; row += packing_->lanes)
    packing_->unpack_f32(head_dim_, stored + row * row_bytes_,
                         out + row / kBlock * kBlock * head_dim_ + row % kBlock, kBlock);
}

void KvLayer::decode_values(size_t head, size_t begin, size_t n, float* out) const {
  active_kernels().decode_row(entry_of(format_).stored)(values(head) + begin * row_bytes_, out,
                                                        n * head_dim_);
}

}  // namespace hone
