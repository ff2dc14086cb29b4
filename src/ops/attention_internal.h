// What attention's forward and backward share.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "ops/attention_products.h"
#include "ops/halves.h"
#include "ops/ops.h"

namespace hone {

// The first key that the query at `position` sees.
inline size_t first_key(const AttentionShape& shape, size_t position) noexcept {
  return shape.window != 0 && position >= shape.window ? position + 1 - shape.window : 0;
}

struct AttentionGeometry {
  AttentionShape shape;
  size_t q_stride, kv_stride, group;  // group: query heads of a key/value head

  // Keys are packed and multiplied so many at a time: with their values 512 KB in f32, which the L2 cache
  // holds beside a tile of scores.
  size_t key_block() const noexcept {
    return std::clamp<size_t>(65536 / shape.head_dim, 256, 1024) / 64 * 64;
  }
};

// A row of a segment that reads its cache as it stands.
struct CachedRow {
  const AttentionSegment* segment;
  size_t r;
  size_t visible() const noexcept { return segment->kv_length - segment->n_rows + r + 1; }
};
// Rows of y from rows of q; each is, bit for bit, what it would be alone, with any number of threads.
void attend_cached(const AttentionGeometry& g, const Tensor& q, std::span<const CachedRow> rows, Tensor& y);

// What a tile of query rows multiplies of a packed block of keys: those from `begin` on, `width` of them,
// behind `skip` columns of the panels.
struct TileKeys {
  size_t begin, width, skip;
  bool fresh;  // the first block that the tile sees
};

// Of rows [position, position + rows) and keys [block, block + n); nothing where none of the rows sees any.
inline std::optional<TileKeys> keys_of(const AttentionShape& shape, const AttentionProducts& products,
                                       size_t position, size_t rows, size_t block, size_t n) noexcept {
  const size_t seen = first_key(shape, position), end = std::min(block + n, position + rows);
  if (seen >= block + n || end <= block) return std::nullopt;
  const size_t skip = seen > block ? products.round_down(seen - block) : 0;
  return TileKeys{block + skip, end - block - skip, skip, seen >= block};
}

// The columns of such keys that the row at `position` sees: [first, end), perhaps none.
struct SeenColumns {
  size_t first, end;
};
inline SeenColumns seen_columns(const AttentionShape& shape, size_t position, const TileKeys& keys) noexcept {
  const size_t first = std::min(std::max(first_key(shape, position), keys.begin) - keys.begin, keys.width);
  const size_t end = std::min(position + 1 - std::min(position + 1, keys.begin), keys.width);
  return {first, std::max(first, end)};
}

// What backward needs of the forward pass.
struct AttentionSaved {
  AttentionGeometry g;
  ComputeMode compute;
  KeptRows q, k, v, y;
  Tensor lse;  // (T, H): log of the sum of exponentials of every row
  std::vector<AttentionSegment> segments;
};

void record_attention_backward(Tape& tape, const std::shared_ptr<const AttentionSaved>& saved);

}  // namespace hone
