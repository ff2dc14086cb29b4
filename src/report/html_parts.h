// The sections of the HTML report, each a function from the results to a piece of markup ("" when there is
// nothing to show). html.cpp puts them together.
#pragma once

#include <string>

#include "report/results.h"

namespace hone::layout {

// html.cpp: the whole page around a body of markup.
std::string page(const std::string& title, const std::string& body, const std::string& hone_version);
// html_results.cpp
std::string header_section(const RunReport& report);
std::string stages_section(const RunReport& report);
std::string size_section(const RunReport& report);
std::string loss_section(const RunReport& report);
// html_examples.cpp
std::string examples_section(const RunReport& report);
// html_facts.cpp
std::string facts_section(const RunReport& report);
std::string repeat_section(const RunReport& report);
std::string notes_section(const RunReport& report);
std::string glossary_section();

}  // namespace hone::layout
