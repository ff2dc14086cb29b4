// Decoding's attention: a few queries of one group against a cache, written once over Vec.
// No include guard on purpose: part of the body of an ISA file, after stored_floats.h.

constexpr size_t kKeyBlock = 16, kKeyVecs = kKeyBlock / Vec::kLanes;

template <typename Stored, size_t kQueries>
void scores_of(size_t dim, size_t n_blocks, const float* queries, size_t q_stride, const std::byte* keys,
               float* scores, size_t stride) noexcept {
  constexpr size_t kDimsOfLine = 64 / (kKeyBlock * Stored::kBytes);
  for (size_t block = 0; block < n_blocks; ++block, scores += kKeyBlock) {
    Vec sum[kQueries][kKeyVecs];
#pragma GCC unroll 4
    for (size_t i = 0; i < kQueries; ++i)
#pragma GCC unroll 4
      for (size_t v = 0; v < kKeyVecs; ++v) sum[i][v] = broadcast(0.0f);
    for (size_t d = 0; d < dim; ++d, keys += kKeyBlock * Stored::kBytes) {
      if (d % kDimsOfLine == 0) ask_ahead(keys, 64);
      Vec key[kKeyVecs];
#pragma GCC unroll 4
      for (size_t v = 0; v < kKeyVecs; ++v) key[v] = Stored::get(keys + v * Vec::kLanes * Stored::kBytes);
#pragma GCC unroll 4
      for (size_t i = 0; i < kQueries; ++i) {
        const Vec q = broadcast(queries[i * q_stride + d]);
#pragma GCC unroll 4
        for (size_t v = 0; v < kKeyVecs; ++v) sum[i][v] = fma(q, key[v], sum[i][v]);
      }
    }
#pragma GCC unroll 4
    for (size_t i = 0; i < kQueries; ++i)
#pragma GCC unroll 4
      for (size_t v = 0; v < kKeyVecs; ++v) store(scores + i * stride + v * Vec::kLanes, sum[i][v]);
  }
}

template <typename Stored>
void attend_scores(size_t n_queries, size_t dim, size_t n_blocks, const float* queries, size_t q_stride,
                   const std::byte* keys, float* scores, size_t stride) noexcept {
  for (; n_queries >= 3; n_queries -= 3, queries += 3 * q_stride, scores += 3 * stride)
    scores_of<Stored, 3>(dim, n_blocks, queries, q_stride, keys, scores, stride);
  if (n_queries == 2) scores_of<Stored, 2>(dim, n_blocks, queries, q_stride, keys, scores, stride);
  if (n_queries == 1) scores_of<Stored, 1>(dim, n_blocks, queries, q_stride, keys, scores, stride);
}

// kVecs vectors of dimensions.
template <typename Stored, size_t kQueries, size_t kVecs>
void mix_of(size_t row_bytes, size_t n, const float* weights, size_t stride, const std::byte* values,
            float* out, size_t out_stride) noexcept {
  Vec sum[kQueries][kVecs];
#pragma GCC unroll 4
  for (size_t i = 0; i < kQueries; ++i)
#pragma GCC unroll 4
    for (size_t v = 0; v < kVecs; ++v) sum[i][v] = broadcast(0.0f);
  for (size_t key = 0; key < n; ++key, values += row_bytes) {
    ask_ahead(values, kVecs * Vec::kLanes * Stored::kBytes);
    Vec w[kQueries];
#pragma GCC unroll 4
    for (size_t i = 0; i < kQueries; ++i) w[i] = broadcast(weights[i * stride + key]);
#pragma GCC unroll 4
    for (size_t v = 0; v < kVecs; ++v) {
      const Vec value = Stored::get(values + v * Vec::kLanes * Stored::kBytes);
#pragma GCC unroll 4
      for (size_t i = 0; i < kQueries; ++i) sum[i][v] = fma(w[i], value, sum[i][v]);
    }
  }
#pragma GCC unroll 4
  for (size_t i = 0; i < kQueries; ++i)
#pragma GCC unroll 4
    for (size_t v = 0; v < kVecs; ++v) store(out + i * out_stride + v * Vec::kLanes, sum[i][v]);
}

template <typename Stored, size_t kQueries>
void mix_dims(size_t dim, size_t n, const float* weights, size_t stride, const std::byte* values, float* out,
              size_t out_stride) noexcept {
  constexpr size_t kW = Vec::kLanes, kVecs = 4;
  const size_t row_bytes = dim * Stored::kBytes;
  size_t d = 0;
  for (; d + kVecs * kW <= dim; d += kVecs * kW)
    mix_of<Stored, kQueries, kVecs>(row_bytes, n, weights, stride, values + d * Stored::kBytes, out + d,
                                    out_stride);
  for (; d + kW <= dim; d += kW)
    mix_of<Stored, kQueries, 1>(row_bytes, n, weights, stride, values + d * Stored::kBytes, out + d,
                                out_stride);
  for (; d < dim; ++d)
    for (size_t i = 0; i < kQueries; ++i) {
      float sum = 0;
      for (size_t key = 0; key < n; ++key)
        sum += weights[i * stride + key] * Stored::one(values + key * row_bytes + d * Stored::kBytes);
      out[i * out_stride + d] = sum;
    }
}

template <typename Stored>
void attend_mix(size_t n_queries, size_t dim, size_t n, const float* weights, size_t stride,
                const std::byte* values, float* out, size_t out_stride) noexcept {
  for (; n_queries >= 3; n_queries -= 3, weights += 3 * stride, out += 3 * out_stride)
    mix_dims<Stored, 3>(dim, n, weights, stride, values, out, out_stride);
  if (n_queries == 2) mix_dims<Stored, 2>(dim, n, weights, stride, values, out, out_stride);
  if (n_queries == 1) mix_dims<Stored, 1>(dim, n, weights, stride, values, out, out_stride);
}

// Values as q8_0 rows; one block of 32 dimensions of every row.
template <size_t kQueries>
void mix_block(size_t row_bytes, size_t n, const float* weights, size_t stride, const std::byte* values,
               float* out, size_t out_stride) noexcept {
  constexpr size_t kVecs = 32 / Vec::kLanes;
  Vec sum[kQueries][kVecs];
#pragma GCC unroll 4
  for (size_t i = 0; i < kQueries; ++i)
#pragma GCC unroll 8
    for (size_t v = 0; v < kVecs; ++v) sum[i][v] = broadcast(0.0f);
  for (size_t key = 0; key < n; ++key, values += row_bytes) {
    ask_ahead(values, 34);
    const float scale = half_at(values);
    Vec w[kQueries];
#pragma GCC unroll 4
    for (size_t i = 0; i < kQueries; ++i) w[i] = broadcast(weights[i * stride + key] * scale);
#pragma GCC unroll 8
    for (size_t v = 0; v < kVecs; ++v) {
      const Vec value = load_i8(values + 2 + v * Vec::kLanes);
#pragma GCC unroll 4
      for (size_t i = 0; i < kQueries; ++i) sum[i][v] = fma(w[i], value, sum[i][v]);
    }
  }
#pragma GCC unroll 4
  for (size_t i = 0; i < kQueries; ++i)
#pragma GCC unroll 8
    for (size_t v = 0; v < kVecs; ++v) store(out + i * out_stride + v * Vec::kLanes, sum[i][v]);
}

void attend_mix_q8_0(size_t n_queries, size_t dim, size_t n, const float* weights, size_t stride,
                     const std::byte* values, float* out, size_t out_stride) noexcept {
  constexpr size_t kBlockBytes = 34;
  const size_t row_bytes = dim / 32 * kBlockBytes;
  for (size_t d = 0; d < dim; d += 32, values += kBlockBytes, out += 32) {
    const float* w = weights;
    float* y = out;
    size_t left = n_queries;
    for (; left >= 3; left -= 3, w += 3 * stride, y += 3 * out_stride)
      mix_block<3>(row_bytes, n, w, stride, values, y, out_stride);
    if (left == 2) mix_block<2>(row_bytes, n, w, stride, values, y, out_stride);
    if (left == 1) mix_block<1>(row_bytes, n, w, stride, values, y, out_stride);
  }
}

void rotate_pairs(size_t n, const float* x, const float* cos, const float* sin, float* y) noexcept {
  constexpr size_t kW = Vec::kLanes;
  size_t i = 0;
  for (; i + kW <= n; i += kW) {
    const Vec v = load(x + i);
    store(y + i, fma(swap_pairs(v), load(sin + i), mul(v, load(cos + i))));
  }
  for (; i < n; i += 2) {
    const float a = x[i], b = x[i + 1];
    y[i] = a * cos[i] + b * sin[i];
    y[i + 1] = b * cos[i + 1] + a * sin[i + 1];
  }
}
