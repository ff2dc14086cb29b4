// The sections of the HTML report, each a function from the results to a piece of markup ("" when there is
// nothing to show). html.cpp lists them and puts them together.
#pragma once

#include <string>
#include <vector>

#include "report/proof_rows.h"
#include "report/results.h"
#include "report/svg_plot.h"

namespace hone::layout {

// A part of a page with a heading that can be linked to.
struct PagePart {
  const char *id, *title, *short_title;  // the short one for the list of contents
  std::string body;                      // markup; empty: the part is left out
};
struct Page {
  std::string title, kind;  // kind: "report", "comparison"
  std::string header;       // markup above the parts
  std::vector<PagePart> parts;
  std::string hone_version;
  std::string data_name, data;  // what the download link gives; no link when data is empty
};
// html.cpp: the whole page, one file.
std::string page(const Page& page);

// html_summary.cpp
std::string header_section(const RunReport& report);
std::string basis_section(const RunReport& report);
// html_results.cpp
std::string stages_section(const RunReport& report);
// html_figures.cpp
std::string gain_section(const RunReport& report);
std::string size_section(const RunReport& report);
std::string distance_section(const RunReport& report);
std::string loss_section(const RunReport& report);
// html_proof.cpp
std::string gates_section(const RunReport& report);
std::string tasks_section(const RunReport& report);
std::string parts_section(const RunReport& report);
std::string sensitivity_section(const RunReport& report);
std::string rarity_section(const RunReport& report);
std::string risks_section(const RunReport& report);
std::string speed_section(const RunReport& report);
// html_examples.cpp
std::string examples_section(const RunReport& report);
// html_facts.cpp
std::string facts_section(const RunReport& report);
std::string repeat_section(const RunReport& report);
std::string notes_section(const RunReport& report);
std::string glossary_section(const RunReport& report);

// figures.cpp
// A paragraph on how to read what follows; markup.
std::string about(const std::string& markup);
// The interval where it is one; else the value alone.
void set_interval(const Measured& m, Mark& mark);
// Both drawings of a figure of rows.
std::string rows_figure(const RowsFigure& rows);
// Shared with the comparison.
// A figure with both its drawings.
std::string figure(const std::string& wide, const std::string& narrow);
// Figures of which a choice shows one: radio buttons that work without a script. The names are the labels.
struct Choice {
  std::string label, drawings, note;  // note: a plain line under the figure, may be empty
};
std::string choices(const std::string& id, const std::string& question, const std::vector<Choice>& choices);
// The loss figure with its switches, and the numbers in a table. Empty without points.
std::string loss_figure(const std::vector<LossSeries>& series);
// Size against each quality that at least two files have; empty when there is none.
std::string size_figures(const std::vector<std::pair<std::string, const RunReport*>>& runs);
// Rows of cells, the first row the head, the first column too; name: for screen readers, a constant.
std::string text_table(const TextRows& rows, const char* name, bool numbers);
// The same as a folded "numbers of this figure"; of: which series, may be empty.
std::string data_table(const TextRows& rows, const std::string& of);

}  // namespace hone::layout
