// The model's ops, forward and backward. T tokens, C model dim, H heads, Hkv key/value heads, D head dim, F
// FFN dim, V vocabulary. Every op with a tape records its own backward; outputs are new tensors unless said
// otherwise.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <span>
#include <vector>

#include "ops/context.h"
#include "ops/dropout.h"
#include "ops/gemm.h"

namespace hone {

// Rows of a (V, C) table in any format: y (T, C), times scale. Ids must be < V.
Tensor embedding(OpContext& ctx, const MatrixView& table, std::span<const int32_t> ids, float scale = 1.0f);

// y = x / sqrt(mean(x^2) + eps) * w. x (T, C), w (C); or w (D), D a divisor of C: then each D of a row are
// normalised by themselves, as heads are. dw goes to `trainable` when given. (Zhang & Sennrich 2019)
Tensor rms_norm(OpContext& ctx, const Tensor& x, const Tensor& w, float eps, Parameter* trainable = nullptr);

// How heads are turned: radians per position of each pair, which rotate the first 2P columns of a head, P of
// them; pairs (2i, 2i+1) when interleaved (GGUF llama order), else (i, i + P). What is rotated is also
// multiplied by magnitude. Rows of long texts may be turned at frequencies of their own.
struct RopeTurns {
  std::span<const float> frequencies;  // (P), 2P <= D
  bool interleaved = true;
  float magnitude = 1.0f;
  std::span<const float> long_frequencies = {};  // (P)
  std::span<const uint8_t> is_long = {};         // (T), not 0: turned by long_frequencies; empty: none
};
// Rotary embedding. x (T, n_heads * D). Su et al. 2021.
Tensor rope(OpContext& ctx, const Tensor& x, size_t head_dim, std::span<const int32_t> positions,
            const RopeTurns& turns);

// kGelu is its tanh form.
enum class Activation { kSilu, kGelu };
// y = act(gate) * up, both (T, F): SwiGLU, GeGLU. (Shazeer 2020)
Tensor gated(OpContext& ctx, Activation activation, const Tensor& gate, const Tensor& up);

// x (T, sum of widths) as tensors of (T, width), in the order of its columns.
std::vector<Tensor> split_columns(OpContext& ctx, const Tensor& x, std::initializer_list<size_t> widths);

// y = a + b.
Tensor add(OpContext& ctx, const Tensor& a, const Tensor& b);

// Rows of x (T, C), ascending: y (rows.size(), C).
Tensor take_rows(OpContext& ctx, const Tensor& x, std::span<const size_t> rows);

class KvLayer;

// A run of query rows that attends causally to one key/value sequence. Query row i of the run has position
// kv_length - n_rows + i and sees the keys up to that position: all, or the last `window` of them.
struct AttentionSegment {
  size_t begin = 0, n_rows = 0;    // rows of q (and of the output)
  const KvLayer* cache = nullptr;  // null: keys and values are rows begin.. of the k and v tensors
  size_t kv_length = 0;            // with a cache: how much of it is filled
};
struct AttentionShape {
  size_t n_heads = 0, n_kv_heads = 0, head_dim = 0;
  float scale = 1.0f;  // usually 1/sqrt(D)
  size_t window = 0;   // keys that a query sees, its own among them; 0: all before it. Others cost nothing
};
// Causal grouped-query attention by tiles of query rows: never stores T x T (Dao et al. 2022). q (T, H*D); k,
// v (T, Hkv*D). Segments with a cache have no backward.
Tensor attention(OpContext& ctx, const Tensor& q, const Tensor& k, const Tensor& v,
                 const AttentionShape& shape, std::span<const AttentionSegment> segments);

// A trainable low-rank change of W: y += scaling * (x A^T) B^T. (Hu et al. 2021)
struct LowRank {
  Parameter* a = nullptr;  // (r, K)
  Parameter* b = nullptr;  // (N, r)
  float scaling = 1.0f;
  bool b_is_zero = false;          // then y keeps its bits
  std::optional<Dropout> dropout;  // of the input
};

// y = x W^T: x (T, K), W (N, K) in any format. dx always; dW into `trainable` when given (then W must be f32
// and be trainable->value), dA and dB into the low-rank change.
struct MatmulWeight {
  MatrixView w;
  Parameter* trainable = nullptr;
  std::optional<LowRank> low_rank;
  bool exact = false;  // GemmTerm::exact
};
Tensor matmul(OpContext& ctx, const Tensor& x, const MatrixView& w, Parameter* trainable = nullptr);
// Several W of the same input: x is converted once, and the products share the threads.
std::vector<Tensor> matmul(OpContext& ctx, const Tensor& x, std::span<const MatmulWeight> weights);

// y = act(x Wg^T) * (x Wu^T), either product with its low-rank change: gated() of what matmul() gives, but
// where it can be what goes into the unit is never stored whole.
Tensor gated_matmul(OpContext& ctx, Activation activation, const Tensor& x, const MatmulWeight& gate,
                    const MatmulWeight& up);

// sum += x W^T (+ its low-rank change), for contexts without a tape: a pass over the sum less than add().
void matmul_onto(OpContext& ctx, Tensor& sum, const Tensor& x, const MatmulWeight& weight);

// Softmax cross-entropy fused with the vocabulary projection, in chunks of rows: the (T, V) logits are never
// stored whole. hidden (T, C), head (V, C). target[t] < 0 is not scored and costs nothing. Returns the sum of
// -log p(target) over scored rows and fills nll[t] (0 where not scored). With a tape, d(hidden) is computed
// at once, times grad_scale (1 / supervised tokens of the whole accumulation), so call it with the tape that
// will run backward.
struct CrossEntropyResult {
  double sum_nll = 0;
  size_t n_scored = 0;
  std::vector<float> nll;
};
CrossEntropyResult linear_cross_entropy(OpContext& ctx, const Tensor& hidden, const MatrixView& head,
                                        std::span<const int32_t> targets, float grad_scale);

// Runs body(ctx-without-tape, x) now, and again with a tape of its own during backward: activations inside
// are not kept. (Chen et al. 2016). `body` must be deterministic.
Tensor checkpoint(OpContext& ctx, const Tensor& x, std::function<Tensor(OpContext&, const Tensor&)> body);

}  // namespace hone
