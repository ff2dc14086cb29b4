// What is checked about a recipe's text before the TOML parser sees it.
#pragma once

#include <string>
#include <string_view>

namespace hone {

// Throws kInvalidArgument, naming line and column, for a character beyond ASCII outside of strings and
// comments. TOML has no place for one there, and on some of them (é, say) toml++ 3.3 runs past the end of a
// function. A byte order mark at the head is allowed.
void check_plain_toml(std::string_view text, const std::string& file);

}  // namespace hone
