// Which linear layers an adapter goes on, named as people name them: Hugging Face's q_proj or GGUF's attn_q.
// All names come from the architecture's tensor table.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "models/architecture.h"

namespace hone {

// "blk.{}.attn_q.weight" -> "attn_q"; "model.layers.{}.self_attn.q_proj.weight" -> "q_proj".
std::string_view short_gguf_name(const TensorRow& row) noexcept;
std::string_view short_hf_name(const TensorRow& row) noexcept;
// "model.layers.3.self_attn.q_proj".
std::string hf_module_name(const TensorRow& row, size_t layer);

// The table's rows for the names asked for, in table order. Empty, or "all-linear": all linear rows. Throws
// kInvalidArgument naming an unknown or repeated name and the known ones.
std::vector<const TensorRow*> select_targets(const Architecture& arch, const std::vector<std::string>& asked);

}  // namespace hone
