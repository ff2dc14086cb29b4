// What a tensor is for, from its name.
#pragma once

#include <string>
#include <string_view>

namespace hone {

// role_name() of the architecture's row for a GGUF ("blk.0.attn_q.weight"), Hugging Face or PEFT name, with
// or without an adapter's suffix. Without an architecture ("") every known one is asked. "other" when none
// knows.
std::string role_of(std::string_view architecture, std::string_view name);

// The adapter matrix that a name means: 'a', 'b', or 0.
char adapter_matrix(std::string_view name);

}  // namespace hone
