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

// Positions that a layer has room for from the start. With a window: what a row sees, what may be written
// anew, and a prompt's usual step (runtime/advance.cpp), so that forgetting, which moves the rest, is rare.
size_t rows_for(size_t capacity, size_t window) {
  constexpr size_t kStep = 512;
  if (window == 0) return padded(capacity);
  return std::min(padded(capacity), padded(window + KvLayer::kMaxBack + KvLayer::kBlock + kStep));
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

size_t KvLayer::bytes(size_t n_heads, size_t head_dim, size_t capacity, KvFormat format,
                      size_t window) noexcept {
  return 2 * n_heads * rows_for(capacity, window) * stored_format(format).bytes(head_dim);
}

KvLayer::KvLayer(size_t n_heads, size_t head_dim, size_t capacity, KvFormat format, size_t window)
    : n_heads_(n_heads), head_dim_(head_dim), capacity_(padded(capacity)), window_(window), format_(format) {
  const Format& stored = stored_format(format);
  if (head_dim % stored.block_elems != 0)
    fail(ErrorCode::kNotSupported,
         "cache type: got {}, whose blocks of {} do not divide this model's heads of {} dimensions; use f16",
         stored.name, stored.block_elems, head_dim);
  if (stored.quantized) packing_ = packing_of(stored);
  row_bytes_ = stored.bytes(head_dim);
  hold(rows_for(capacity, window));
}

void KvLayer::hold(size_t n_rows) {
  held_ = n_rows;
  head_bytes_ = n_rows * row_bytes_;
  keys_ = allocate(n_heads_ * head_bytes_);
  values_ = allocate(n_heads_ * head_bytes_);
}

size_t KvLayer::first_needed(size_t position) const noexcept {
  const size_t behind = window_ + kMaxBack;
  return window_ == 0 || position < behind ? 0 : (position - behind) / kBlock * kBlock;
}

bool KvLayer::holds_for(size_t position) const noexcept {
  return first_ == 0 || first_ + window_ <= position + 1;
}

size_t KvLayer::make_room(size_t position, size_t n) {
  if (position == 0) first_ = 0;  // a new text
  if (position + n <= first_ + held_) return 0;
  HONE_CHECK(window_ != 0 && (position == 0 || holds_for(position)), "position={} n={} first={} held={}",
             position, n, first_, held_);
  // Rows of a fresh sequence see each other elsewhere; what is kept is for those to come.
  const size_t first = position == 0 ? first_needed(n) : std::max(first_, first_needed(position));
  const size_t rows = padded(position + n - first);
  move_to(first, position, std::max(held_, rows));
  return position == 0 ? first : 0;
}

void KvLayer::move_to(size_t first, size_t end, size_t n_rows) {
  const size_t kept = end > first ? padded(end - first) * row_bytes_ : 0;
  const size_t skip = (first - first_) * row_bytes_, old_head_bytes = head_bytes_;
  const std::shared_ptr<std::byte> old_keys = keys_, old_values = values_;
  if (n_rows > held_) hold(n_rows);
  for (size_t head = 0; head < n_heads_ && kept > 0; ++head) {
    std::memmove(keys_.get() + head * head_bytes_, old_keys.get() + head * old_head_bytes + skip, kept);
    std::memmove(values_.get() + head * head_bytes_, old_values.get() + head * old_head_bytes + skip, kept);
  }
  first_ = first;
}

template <typename Element>
void KvLayer::write_rows(size_t position, size_t n, const Element* keys, const Element* values) {
  const size_t width = n_heads_ * head_dim_;
  for (size_t head = 0; head < n_heads_; ++head) {
    for (size_t i = 0; i < n; ++i) {
      const size_t p = position + i;
      Element* column = reinterpret_cast<Element*>(at(keys_, head, p / kBlock * kBlock)) + p % kBlock;
      const Element* key = keys + i * width + head * head_dim_;
      for (size_t d = 0; d < head_dim_; ++d) column[d * kBlock] = key[d];
      std::memcpy(at(values_, head, p), values + i * width + head * head_dim_, head_dim_ * sizeof(Element));
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
             at(keys_, head, position / lanes * lanes));
    std::memcpy(at(values_, head, position), v, row_bytes_);
  }
}

void KvLayer::write(size_t position, size_t n, const float* keys, const float* values) {
  HONE_CHECK(position + n <= capacity_);
  const size_t width = n_heads_ * head_dim_, skipped = make_room(position, n);
  position += skipped;
  n -= skipped;
  keys += skipped * width;
  values += skipped * width;
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
                 (other.window_ == 0 || other.window_ == window_) && n <= capacity_ && n <= other.capacity_ &&
                 other.holds_for(n),
             "n={} capacity={} other={}", n, capacity_, other.capacity_);
  first_ = n <= held_ && other.first_ == 0 ? 0 : std::max(other.first_, first_needed(n));
  const size_t rows = n - first_;
  if (padded(rows) > held_) hold(padded(rows));
  for (size_t head = 0; head < n_heads_; ++head) {
    std::memcpy(at(keys_, head, first_), other.keys(head, first_), padded(rows) * row_bytes_);
    std::memcpy(at(values_, head, first_), other.values(head, first_), rows * row_bytes_);
  }
}

void KvLayer::decode_keys(size_t head, size_t begin, size_t n, float* out) const {
  const std::byte* stored = keys(head, begin);
  const size_t rows = padded(n);
  if (packing_ == nullptr)
    return active_kernels().decode_row(entry_of(format_).stored)(stored, out, rows * head_dim_);
  for (size_t row = 0; row < rows; row += packing_->lanes)
    packing_->unpack_f32(head_dim_, stored + row * row_bytes_,
                         out + row / kBlock * kBlock * head_dim_ + row % kBlock, kBlock);
}

void KvLayer::decode_values(size_t head, size_t begin, size_t n, float* out) const {
  active_kernels().decode_row(entry_of(format_).stored)(values(head, begin), out, n * head_dim_);
}

}  // namespace hone
