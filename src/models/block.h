// A block of the decoder: which weight of the tensor table is which of its members; and reading them. For
// model.cpp.
#pragma once

#include <string>
#include <utility>

#include "io/weight_source.h"
#include "nn/linear.h"

namespace hone {

struct Block {
  Tensor attn_norm, ffn_norm;
  Tensor attn_q_norm, attn_k_norm, attn_post_norm, ffn_post_norm;  // of some families
  Linear attn_q, attn_k, attn_v, attn_output, ffn_gate, ffn_up, ffn_down;
  Linear attn_qkv, ffn_gate_up;  // of families that keep these in one matrix, in place of the single ones
};

// In file order.
inline constexpr std::pair<TensorRole, Linear Block::*> kLinears[] = {
    {TensorRole::kAttnQ, &Block::attn_q},           {TensorRole::kAttnK, &Block::attn_k},
    {TensorRole::kAttnV, &Block::attn_v},           {TensorRole::kAttnQkv, &Block::attn_qkv},
    {TensorRole::kAttnOutput, &Block::attn_output}, {TensorRole::kFfnGate, &Block::ffn_gate},
    {TensorRole::kFfnUp, &Block::ffn_up},           {TensorRole::kFfnGateUp, &Block::ffn_gate_up},
    {TensorRole::kFfnDown, &Block::ffn_down},
};
inline constexpr std::pair<TensorRole, Tensor Block::*> kNorms[] = {
    {TensorRole::kAttnNorm, &Block::attn_norm},    {TensorRole::kAttnQNorm, &Block::attn_q_norm},
    {TensorRole::kAttnKNorm, &Block::attn_k_norm}, {TensorRole::kAttnPostNorm, &Block::attn_post_norm},
    {TensorRole::kFfnNorm, &Block::ffn_norm},      {TensorRole::kFfnPostNorm, &Block::ffn_post_norm},
};

// The block's member for a role, or nullptr.
template <typename Member, size_t kN>
Member* member_for(Block& block, TensorRole role,
                   const std::pair<TensorRole, Member Block::*> (&members)[kN]) {
  for (const auto& [of, member] : members)
    if (of == role) return &(block.*member);
  return nullptr;
}

// A vector in f32, a matrix in its format with its bias if it has one. The source's pages are released.
// later: the matrix is read when it is first used (from a mapped source, which must live until then).
Tensor read_vector(WeightSource& source, const std::string& name);
Linear read_linear(WeightSource& source, const std::string& name, TensorRole role, bool later);

// Throws kResourceExhausted when the source's weights do not fit into the memory that is available.
void check_memory(const WeightSource& source);

}  // namespace hone
