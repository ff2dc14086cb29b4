// The page's style sheet and script, as constants: nothing from a report goes into either.
#pragma once

#include <string>
#include <string_view>

namespace hone::layout {

std::string page_style();         // colours (palette.h), text and tables, figures, print
std::string_view figure_style();  // style_figures.cpp
std::string_view page_script();   // script.cpp

}  // namespace hone::layout
