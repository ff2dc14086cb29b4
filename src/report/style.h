// The page's style sheet and script, as constants: nothing from a report goes into either.
#pragma once

#include <string_view>

namespace hone::layout {

std::string_view page_style();
std::string_view page_script();

}  // namespace hone::layout
