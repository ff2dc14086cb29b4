// The one decoder: embedding, L blocks of attention and a gated unit around an f32 residual stream, output
// norm. What a family does not have, its blocks leave empty.
#include "models/model.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <thread>

#include "base/error.h"
#include "cpu/isa.h"
#include "models/architecture.h"
#include "models/block.h"
#include "ops/halves.h"

namespace hone {
namespace {

// The first tokens of every text: the attention that a head has no use for rests on one of them (Xiao et al.
// 2024), and rounding that lets it rest on another changes all later tokens.
std::vector<size_t> sink_rows(const TokenBatch& batch) {
  constexpr int32_t kSinks = 4;
  std::vector<size_t> rows;
  for (size_t i = 0; i < batch.positions.size(); ++i)
    if (batch.positions[i] < kSinks) rows.push_back(i);
  return rows;
}

// Where int8 activations cost most for the work they save: values, and keys that several heads share, are few
// and every head of their group reads them; and nothing averages the last block's errors out. Off the 4-bit
// grid SmolLM2's KL to f32 falls from 0.0034-0.0047 to 0.0019-0.0028 nats for 9 % more work.
bool is_delicate(TensorRole role, const ModelConfig& config, bool last_block) {
  if (role == TensorRole::kAttnV || role == TensorRole::kAttnQkv) return true;
  if (role == TensorRole::kAttnK) return config.n_kv_heads < config.n_heads;
  return last_block && (role == TensorRole::kFfnGate || role == TensorRole::kFfnUp ||
                        role == TensorRole::kFfnGateUp || role == TensorRole::kFfnDown);
}

// Whether each token's text is turned with the long factors; empty: none is.
std::vector<uint8_t> long_rows(const ModelConfig& config, const TokenBatch& batch) {
  std::vector<uint8_t> rows;
  for (const Sequence& s : batch.sequences) {
    if (!(s.cache != nullptr ? s.cache->is_long() : config.is_long(s.length))) continue;
    rows.resize(batch.tokens.size());
    std::fill_n(rows.begin() + static_cast<std::ptrdiff_t>(s.begin), s.length, uint8_t{1});
  }
  return rows;
}

}  // namespace

struct Model::Impl {
  ModelConfig config;
  std::vector<float> frequencies, long_frequencies, window_frequencies;
  Linear token_embd, output;  // output is empty when tied
  Tensor output_norm;
  std::vector<Block> blocks;
  size_t recomputed_blocks = 0;
  uint64_t n_parameters = 0, weight_bytes = 0;
  std::jthread loader;  // behind what it works for, so that it ends first

  const Linear& head() const { return config.tied_embeddings ? token_embd : output; }
  void load(WeightSource& source, bool later);
  void check_room(const TokenBatch& batch) const;
  Tensor attend(OpContext& ctx, size_t layer, const Tensor& x, const TokenBatch& batch) const;
  Tensor feed(OpContext& ctx, const Block& block, const Tensor& x) const;
  Tensor run_block(OpContext& ctx, size_t layer, Tensor x, const TokenBatch& batch, Rows wanted) const;
  Rows rows_behind(size_t layer, const TokenBatch& batch, Rows wanted) const;
};

void Model::Impl::load(WeightSource& source, bool later) {
  config = read_config(source);
  check_memory(source);
  frequencies = rope_frequencies(config, config.rope_factors);
  if (config.short_context_length != 0) long_frequencies = rope_frequencies(config, config.rope_long_factors);
  if (!config.windows.empty()) window_frequencies = window_rope_frequencies(config);
  blocks.resize(config.n_layers);
  const Architecture& arch = architecture_named(config.architecture);
  for (const TensorInfo& info : source.tensors()) {
    size_t layer = 0;
    const TensorRow* row = find_row(arch, info.name, &layer);
    n_parameters += info.n_elements();
    weight_bytes += info.n_bytes();
    if (row->role == TensorRole::kTokenEmbd) {
      token_embd = read_linear(source, info.name, row->role, later);
    } else if (row->role == TensorRole::kOutput) {
      if (!config.tied_embeddings) output = read_linear(source, info.name, row->role, later);
    } else if (row->role == TensorRole::kOutputNorm) {
      output_norm = read_vector(source, info.name);
    } else if (Tensor* norm = member_for(blocks[layer], row->role, kNorms)) {
      *norm = read_vector(source, info.name);
    } else if (Linear* linear = member_for(blocks[layer], row->role, kLinears)) {
      *linear = read_linear(source, info.name, row->role, later);
      linear->set_delicate(is_delicate(row->role, config, layer + 1 == config.n_layers));
    }  // else a bias, read with its weight, or rope_freqs, already in the config
  }
}

void Model::Impl::check_room(const TokenBatch& batch) const {
  for (const Sequence& s : batch.sequences) {
    if (s.cache == nullptr) continue;
    const size_t past = s.cache->length();
    HONE_CHECK(s.length > 0 && batch.positions[s.begin] == static_cast<int32_t>(past),
               "position {} behind {} tokens", batch.positions[s.begin], past);
    if (past + s.length > s.cache->capacity())
      fail(ErrorCode::kInvalidArgument,
           "context: {} tokens do not fit a window of {}; shorten the prompt or raise the context",
           past + s.length, s.cache->capacity());
  }
}

Tensor Model::Impl::attend(OpContext& ctx, size_t layer, const Tensor& x, const TokenBatch& batch) const {
  const Block& block = blocks[layer];
  const size_t q_width = config.n_heads * config.head_dim, kv_width = config.n_kv_heads * config.head_dim;
  std::vector<Tensor> qkv =
      block.attn_qkv.defined()
          ? split_columns(ctx, block.attn_qkv.forward(ctx, x), {q_width, kv_width, kv_width})
          : Linear::forward_all(ctx, x, {&block.attn_q, &block.attn_k, &block.attn_v});
  Tensor q = std::move(qkv[0]), k = std::move(qkv[1]), v = std::move(qkv[2]);
  if (block.attn_q_norm.defined()) q = rms_norm(ctx, q, block.attn_q_norm, config.norm_eps);
  if (block.attn_k_norm.defined()) k = rms_norm(ctx, k, block.attn_k_norm, config.norm_eps);
  const std::vector<uint8_t> is_long = long_rows(config, batch);
  const RopeTurns rotation{.frequencies = config.window(layer) != 0 ? window_frequencies : frequencies,
                           .interleaved = config.rope_interleaved,
                           .magnitude = config.rope_magnitude,
                           .long_frequencies = long_frequencies,
                           .is_long = is_long};
  q = rope(ctx, q, config.head_dim, batch.positions, rotation);
  k = rope(ctx, k, config.head_dim, batch.positions, rotation);
  const float scale = config.attention_scale != 0 ? config.attention_scale
                                                  : 1.0f / std::sqrt(static_cast<float>(config.head_dim));
  const AttentionShape shape{config.n_heads, config.n_kv_heads, config.head_dim, scale, config.window(layer)};
  std::vector<AttentionSegment> segments;
  for (const Sequence& s : batch.sequences) {
    const size_t past = s.cache != nullptr ? s.cache->length() : 0;
    if (s.cache != nullptr) s.cache->layer(layer).write(past, s.length, k.row(s.begin), v.row(s.begin));
    // A fresh sequence sees only its own rows, which are at hand.
    segments.push_back({s.begin, s.length, past > 0 ? &s.cache->layer(layer) : nullptr, past + s.length});
  }
  return attention(ctx, q, k, v, shape, segments);
}

// x + update, an update being W times `input`, normalised where the block has a norm for it.
static Tensor add_update(OpContext& ctx, Tensor x, const Linear& w, const Tensor& input,
                         const Tensor& post_norm, float eps) {
  if (!post_norm.defined()) return w.forward_onto(ctx, std::move(x), input);
  return add(ctx, x, rms_norm(ctx, w.forward(ctx, input), post_norm, eps));
}

Tensor Model::Impl::feed(OpContext& ctx, const Block& block, const Tensor& x) const {
  if (!block.ffn_gate_up.defined())
    return Linear::forward_gated(ctx, config.activation, x, block.ffn_gate, block.ffn_up);
  const std::vector<Tensor> wide =
      split_columns(ctx, block.ffn_gate_up.forward(ctx, x), {config.n_ff, config.n_ff});
  return gated(ctx, config.activation, wide[0], wide[1]);
}

// The block's result, of the wanted rows: behind attention each row goes its own way.
Tensor Model::Impl::run_block(OpContext& outer, size_t layer, Tensor x, const TokenBatch& batch,
                              Rows wanted) const {
  const Block& block = blocks[layer];
  const std::vector<size_t> sinks = sink_rows(batch);
  OpContext ctx = outer;
  ctx.exact_rows = sinks;
  Tensor mixed = attend(ctx, layer, rms_norm(ctx, x, block.attn_norm, config.norm_eps), batch);
  if (wanted) {
    if (wanted->empty()) return Tensor::empty({0, config.n_embd});
    x = take_rows(ctx, x, *wanted);
    mixed = take_rows(ctx, mixed, *wanted);
    ctx.exact_rows = {};
  }
  x = add_update(ctx, std::move(x), block.attn_output, mixed, block.attn_post_norm, config.norm_eps);
  const Tensor h = rms_norm(ctx, x, block.ffn_norm, config.norm_eps);
  const Tensor fed = feed(ctx, block, h);
  return add_update(ctx, std::move(x), block.ffn_down, fed, block.ffn_post_norm, config.norm_eps);
}

Model::Rows Model::Impl::rows_behind(size_t layer, const TokenBatch& batch, Rows wanted) const {
  const bool last = layer + 1 == blocks.size();
  return last && wanted && wanted->size() < batch.tokens.size() ? wanted : std::nullopt;
}

Model::Model(WeightSource& source, LoadWeights load) : impl_(std::make_unique<Impl>()) {
  fast_products();  // throws where kernels may not
  impl_->load(source, load == LoadWeights::kWhenUsed && source.is_mapped());
}
Model::~Model() = default;
Model::Model(Model&&) noexcept = default;
Model& Model::operator=(Model&&) noexcept = default;

const ModelConfig& Model::config() const noexcept {
  return impl_->config;
}
void Model::load_meanwhile() {
  std::vector<std::function<void()>> todo{impl_->token_embd.reading()};
  for_each_linear([&](size_t, const Linear& linear) { todo.push_back(linear.reading()); });
  todo.push_back(impl_->head().reading());
  impl_->loader = std::jthread([todo = std::move(todo)](const std::stop_token& stop) {
    try {
      for (const std::function<void()>& read : todo)
        if (!stop.stop_requested()) read();
    } catch (...) {  // comes out again where the weight is used
    }
  });
}

bool Model::fast_is_precise() const {
  bool precise = hone::fast_is_precise(impl_->head().format());
  for_each_linear(
      [&](size_t, const Linear& linear) { precise = precise && hone::fast_is_precise(linear.format()); });
  return precise;
}

const MatrixView& Model::head() const {
  return impl_->head().weight();
}
void Model::set_recomputed_blocks(size_t n) noexcept {
  impl_->recomputed_blocks = std::min(n, impl_->blocks.size());
}
size_t Model::recomputed_blocks() const noexcept {
  return impl_->recomputed_blocks;
}
uint64_t Model::n_parameters() const noexcept {
  return impl_->n_parameters;
}
uint64_t Model::weight_bytes() const noexcept {
  return impl_->weight_bytes;
}

Tensor Model::hidden(OpContext& ctx, const TokenBatch& batch, Rows wanted) const {
  const size_t n = batch.tokens.size();
  HONE_CHECK(batch.positions.size() == n && n > 0, "{} tokens, {} positions", n, batch.positions.size());
  impl_->check_room(batch);
  impl_->loader.request_stop();  // all threads together are faster
  Tensor x = embedding(ctx, impl_->token_embd.weight(), batch.tokens, impl_->config.embedding_scale);
  const size_t recomputed = ctx.tape != nullptr ? impl_->recomputed_blocks : 0;
  // The batch outlives the tape's closures only if they own it.
  const auto shared = recomputed > 0 ? std::make_shared<const TokenBatch>(batch) : nullptr;
  const std::vector<size_t> kept =
      recomputed > 0 && wanted ? std::vector<size_t>(wanted->begin(), wanted->end()) : std::vector<size_t>();
  for (size_t layer = 0; layer < impl_->blocks.size(); ++layer) {
    const Rows rows = impl_->rows_behind(layer, batch, wanted);
    if (layer < recomputed) {
      const auto run = [impl = impl_.get(), layer, shared, some = rows.has_value(), kept](OpContext& inner,
                                                                                          const Tensor& in) {
        return impl->run_block(inner, layer, in, *shared, some ? Rows(kept) : std::nullopt);
      };
      x = checkpoint(ctx, x, run);
    } else {
      x = impl_->run_block(ctx, layer, std::move(x), batch, rows);
    }
  }
  for (const Sequence& s : batch.sequences)
    if (s.cache != nullptr) s.cache->length_ += s.length;
  if (x.rows() == 0) return x;
  return rms_norm(ctx, x, impl_->output_norm, impl_->config.norm_eps);
}

CrossEntropyResult Model::loss(OpContext& ctx, const TokenBatch& batch, std::span<const int32_t> targets,
                               float grad_scale) const {
  HONE_CHECK(targets.size() == batch.tokens.size());
  std::vector<size_t> rows;
  std::vector<int32_t> scored;
  for (size_t t = 0; t < targets.size(); ++t) {
    if (targets[t] < 0) continue;
    rows.push_back(t);
    scored.push_back(targets[t]);
  }
  CrossEntropyResult result;
  if (!rows.empty())
    result = linear_cross_entropy(ctx, hidden(ctx, batch, Rows(rows)), head(), scored, grad_scale);
  std::vector<float> nll(targets.size(), 0.0f);
  for (size_t i = 0; i < rows.size(); ++i) nll[rows[i]] = result.nll[i];
  result.nll = std::move(nll);
  return result;
}

Tensor Model::logits(OpContext& ctx, const Tensor& hidden) const {
  const HeadProduct product = head_product(ctx.compute, hidden.rows());
  OpContext head_ctx = ctx;
  head_ctx.compute = product.compute;
  const MatmulWeight weight{head(), nullptr, {}, product.exact};
  return std::move(matmul(head_ctx, hidden, std::span(&weight, 1))[0]);
}

void Model::for_each_linear(const std::function<void(size_t layer, Linear&)>& visit) {
  for (size_t layer = 0; layer < impl_->blocks.size(); ++layer) {
    for (const auto& [role, member] : kLinears)
      if ((impl_->blocks[layer].*member).defined()) visit(layer, impl_->blocks[layer].*member);
  }
}

void Model::for_each_linear(const std::function<void(size_t layer, const Linear&)>& visit) const {
  const_cast<Model*>(this)->for_each_linear([&](size_t layer, Linear& linear) { visit(layer, linear); });
}

size_t Model::activation_bytes_per_token(size_t recomputed_blocks, ComputeMode compute) const noexcept {
  const ModelConfig& c = impl_->config;
  const size_t n = std::min(recomputed_blocks, c.n_layers);
  const size_t q = c.n_heads * c.head_dim, kv = c.n_kv_heads * c.head_dim;
  // What the closures of one block keep: in f32 the inputs of its norms; as products read them (ops/halves.h)
  // the norms' outputs, q, k, v, the attention's output twice, gate, up and their product.
  const size_t element = kept_in_halves(compute, c.n_embd) ? 2 : sizeof(float);
  const Block& b = impl_->blocks.front();
  const size_t more_norms = (b.attn_post_norm.size() + b.ffn_post_norm.size()) +
                            (b.attn_q_norm.defined() ? q : 0) + (b.attn_k_norm.defined() ? kv : 0);
  const size_t block = (2 * c.n_embd + more_norms + c.n_heads) * sizeof(float) +
                       (2 * c.n_embd + 3 * q + 2 * kv + 3 * c.n_ff) * element;
  // Beside them at most, in backward: gradients of gate, up and their product, with their halves, and two of
  // the residual, or those of the attention with its keys' and values' by query head.
  const size_t joined = b.ffn_gate_up.defined() ? 2 * c.n_ff : 0;  // those of gate and up, side by side
  const size_t gradients =
      (3 * c.n_embd + std::max(3 * c.n_ff + joined, 5 * q + 4 * kv)) * sizeof(float) + 3 * c.n_ff * element;
  const size_t whole = n < c.n_layers ? c.n_layers - n : 1;
  return n * c.n_embd * sizeof(float) + whole * block + gradients;
}

}  // namespace hone
