// Style sheet of the pages: colours from the palette, text, tables, print. Figures are in style_figures.cpp.
// Dark is the reader's choice (the switch sets data-theme) or else the system's; paper is always light.
#include "report/style.h"

#include "report/palette.h"

namespace hone::layout {
namespace {

constexpr std::string_view kBase = R"css(
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; scroll-padding-top: 1rem; }
:root {
  --sans: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans", Arial, sans-serif;
  --mono: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace;
}
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.6 var(--sans);
  overflow-wrap: break-word; }
main, footer { max-width: 62rem; margin: 0 auto; padding: 0 1.5rem; }
main { padding-top: 2rem; }
h1 { font-size: 2.25rem; line-height: 1.2; letter-spacing: -0.02em; font-weight: 650; margin: 0.2rem 0 0.4rem; }
h2 { font-size: 1.35rem; line-height: 1.3; letter-spacing: -0.01em; font-weight: 650; margin: 0 0 0.4rem; }
h3 { font-size: 1rem; line-height: 1.45; font-weight: 650; margin: 2rem 0 0.7rem; }
p { margin: 0 0 1rem; max-width: 46rem; }
section { margin-top: 3.75rem; }
a { color: var(--first); }
:focus-visible { outline: 2px solid var(--first); outline-offset: 2px; }
.top { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 0.5rem 1rem;
  margin-bottom: 1.5rem; }
.tools { display: flex; flex-wrap: wrap; gap: 0.5rem; }
.tool, .copy { border: 1px solid var(--line); border-radius: 4px; background: var(--page); color: var(--muted);
  font: 0.8125rem/1.4 var(--sans); padding: 0.2rem 0.65rem; text-decoration: none; }
button.tool, .copy { cursor: pointer; }
.tool:hover, .copy:hover { color: var(--text); border-color: var(--muted); }
.eyebrow { font-size: 0.85rem; color: var(--muted); margin: 0; }
.byline { color: var(--muted); margin: 0 0 1.5rem; }
.lead { font-size: 1.4rem; line-height: 1.4; letter-spacing: -0.01em; max-width: 46rem; margin-bottom: 1.75rem;
  text-wrap: balance; }
.about { color: var(--muted); margin-bottom: 1.25rem; }
.note { color: var(--muted); font-size: 0.875rem; margin-top: 0.75rem; }
.summary { margin: 0 0 2.25rem; max-width: 54rem; }
.summary > div { display: grid; grid-template-columns: 10.5rem minmax(0, 1fr); gap: 0 1.25rem;
  padding: 0.55rem 0.9rem; }
.summary dt { grid-column: 1; color: var(--muted); font-size: 0.875rem; line-height: 1.82; }
.summary dd { grid-column: 2; margin: 0 0 0.35rem; }
.summary dd:last-child { margin-bottom: 0; }
.summary .take { background: var(--take); border-left: 4px solid var(--first); }
.summary .broken, .summary .warn { background: var(--warn); border-left: 4px solid var(--warn-text); }
.summary .take dd { font-weight: 600; }
.summary .take dt { color: var(--first); font-weight: 650; }
.summary .broken dt, .summary .warn dt { color: var(--warn-text); font-weight: 650; }
.summary > div { border-left: 4px solid transparent; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(12rem, 1fr)); gap: 1.5rem 2rem; margin: 0;
  padding: 1.4rem 0 0; border-top: 1px solid var(--line); }
.figures div { display: flex; flex-direction: column; }
.figures dt { order: 1; font-size: 0.875rem; font-weight: 600; margin-bottom: 0.15rem; }
.figures dd { order: 2; margin: 0; }
.figures .big { font-size: 1.7rem; line-height: 1.3; font-weight: 600; letter-spacing: -0.015em;
  font-variant-numeric: tabular-nums; color: var(--first); }
.figures .small { order: 3; font-size: 0.875rem; line-height: 1.45; color: var(--muted); }
.contents { margin-top: 2rem; border-top: 1px solid var(--line); padding-top: 0.8rem; font-size: 0.875rem; }
.contents ul { display: flex; flex-wrap: wrap; gap: 0.3rem 1.25rem; margin: 0; padding: 0; list-style: none; }
.contents a { text-decoration: none; }
.contents a:hover { text-decoration: underline; }
.anchor { margin-left: 0.5rem; color: var(--muted); font-weight: 400; text-decoration: none; opacity: 0; }
h2:hover .anchor, .anchor:focus { opacity: 1; }

/* The stage table may be wider than the text. */
.scroll.wide { width: min(100vw - 4rem, 84rem); margin-left: calc(50% - min(50vw - 2rem, 42rem)); }
.scroll { overflow-x: auto; margin: 0; border-top: 1px solid var(--line); border-bottom: 1px solid var(--line); }
table { border-collapse: collapse; width: 100%; font-size: 0.875rem; line-height: 1.4; }
th, td { padding: 0.7rem 0.55rem; text-align: left; vertical-align: top; }
tr > :first-child { padding-left: 0; }
tr > :last-child { padding-right: 0; }
thead th { font-weight: 600; vertical-align: bottom; line-height: 1.3; border-bottom: 1px solid var(--line); }
tbody tr + tr > * { border-top: 1px solid var(--faint); }
tbody th { font-weight: 400; }
.plain th, .plain td { padding-top: 0.4rem; padding-bottom: 0.4rem; }
.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
thead .n { white-space: normal; }
.stages tbody th { min-width: 9.5rem; max-width: 15rem; position: sticky; left: 0; background: var(--page); }
.stages .name { display: block; font-weight: 650; }
td small, th small { display: block; font-size: 0.8rem; font-weight: 400; color: var(--muted); }
.sort { all: unset; cursor: pointer; display: inline-block; box-sizing: border-box; }
.sort:hover { text-decoration: underline; text-underline-offset: 0.2em; }
.sort:focus-visible { outline: 2px solid var(--first); outline-offset: 2px; }
.sort::after { content: "\2195"; margin-left: 0.2rem; color: var(--muted); font-weight: 400; }
[aria-sort="ascending"] .sort::after { content: "\2191"; color: var(--first); }
[aria-sort="descending"] .sort::after { content: "\2193"; color: var(--first); }
.sort small { display: inline; }
.sort small::before { content: ""; display: block; }
.failed { color: var(--bad); font-weight: 600; }
.clear { font-weight: 650; }

.answers { display: grid; grid-template-columns: repeat(auto-fit, minmax(17rem, 1fr)); gap: 1.5rem 2rem; }
.example + .example { margin-top: 2.5rem; padding-top: 0.5rem; border-top: 1px solid var(--faint); }
.example h3 { white-space: pre-line; max-width: 46rem; }
.answer { min-width: 0; }
.answer h4 { margin: 0 0 0.3rem; font-size: 0.8125rem; line-height: 1.4; font-weight: 650; color: var(--muted); }
.answer.reference h4 { color: var(--first); }
.answer .text { font-size: 0.9375rem; line-height: 1.55; white-space: pre-line; }
.fold:not(:checked) ~ .answers .text { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 7;
  overflow: hidden; }
.fold { position: absolute; opacity: 0; pointer-events: none; }
.unfold { display: inline-block; margin-top: 0.9rem; color: var(--first); font-size: 0.9375rem; cursor: pointer;
  text-decoration: underline; text-underline-offset: 0.2em; text-decoration-thickness: 1px; }
.unfold .less, .fold:checked ~ .unfold .more { display: none; }
.fold:checked ~ .unfold .less { display: inline; }
.fold:focus-visible ~ .unfold { outline: 2px solid var(--first); outline-offset: 3px; }

.facts { margin: 0; display: grid; grid-template-columns: minmax(9rem, 13rem) minmax(0, 1fr); gap: 0.55rem 1.5rem; }
.facts dt { color: var(--muted); }
.facts dd { margin: 0; white-space: pre-line; overflow-wrap: anywhere; }
.settings { columns: 3 15rem; column-gap: 2.5rem; margin: 0; font-size: 0.9375rem; }
.settings div { display: flex; justify-content: space-between; gap: 1rem; padding: 0.3rem 0; break-inside: avoid;
  border-bottom: 1px solid var(--faint); }
.settings dt { color: var(--muted); }
.settings dd { margin: 0; text-align: right; overflow-wrap: anywhere; min-width: 0;
  font-variant-numeric: tabular-nums; }
.code { position: relative; margin: 0 0 1rem; }
pre { margin: 0; padding: 0.9rem 1.1rem; background: var(--panel); border-radius: 6px; overflow-x: auto;
  font: 0.84rem/1.6 var(--mono); tab-size: 4; }
.copy { position: absolute; top: 0.45rem; right: 0.45rem; }
code { font: 0.9em var(--mono); overflow-wrap: anywhere; }
details { margin-top: 1rem; }
summary { cursor: pointer; color: var(--first); font-size: 0.9375rem; }
details > :not(summary) { margin-top: 0.9rem; }
.terms { margin: 0; max-width: 46rem; }
.terms dt { font-weight: 650; margin-top: 0.9rem; }
.terms dt:first-child { margin-top: 0; }
.terms dt span { font-weight: 400; color: var(--muted); }
.terms dd { margin: 0; color: var(--muted); }
.notes { margin: 0; padding-left: 1.2rem; max-width: 46rem; }
.notes li { margin-bottom: 0.5rem; white-space: pre-line; }
footer { margin-top: 4.5rem; padding-top: 1.25rem; padding-bottom: 3rem; color: var(--muted); font-size: 0.8125rem; }

@media screen and (min-width: 92rem) {
  .contents { position: fixed; top: 5rem; left: calc(50% - 43rem); width: 10rem; margin: 0; border: 0; padding: 0; }
  .contents ul { flex-direction: column; }
}
@media screen and (max-width: 44rem) {
  main, footer { padding-left: 1.15rem; padding-right: 1.15rem; }
  main { padding-top: 1.25rem; }
  h1 { font-size: 1.75rem; }
  .lead { font-size: 1.2rem; }
  section { margin-top: 3rem; }
  .summary > div { grid-template-columns: minmax(0, 1fr); padding: 0.5rem 0; }
  .summary .take, .summary .warn { padding: 0.6rem 0.8rem; }
  .summary dt, .summary dd { grid-column: 1; }
  .figures { grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: 1.25rem; }
  .figures .big { font-size: 1.35rem; }
  .stages tbody th { min-width: 8rem; max-width: 8rem; padding-right: 0.75rem; }
  .answers { grid-template-columns: minmax(0, 1fr); }
  .facts { grid-template-columns: minmax(0, 1fr); gap: 0; }
  .facts dd { margin-bottom: 0.8rem; }
}
)css";

constexpr std::string_view kPrint = R"css(
@media print {
  @page { size: A4; margin: 16mm 14mm; }
  body { font-size: 10pt; }
  main { padding-top: 0; max-width: none; }
  main, footer { padding-left: 0; padding-right: 0; }
  section { margin-top: 2rem; }
  .tools, .contents, .anchor, .unfold, .copy, .tip, .data, .hint { display: none; }
  .scroll { overflow: visible; }
  .scroll.wide { width: auto; margin-left: 0; }
  table { font-size: 7.5pt; }
  .stages { font-size: 7pt; }
  th, td { padding: 0.35rem 0.2rem; }
  .stages tbody th { min-width: 25mm; position: static; }
  .stages small { font-size: 6.5pt; }
  .sort::after { content: none; }
  .fold:not(:checked) ~ .answers .text { display: block; }
  .pick:not(:checked) + label { display: none; }
  .pick + label, .pick[type="radio"]:checked + label { border: 0; padding-left: 0; background: none;
    color: var(--text); }
  a[href^="http"]::after { content: " (" attr(href) ")"; }
  pre { white-space: pre-wrap; border: 1px solid var(--line); }
  details::details-content { content-visibility: visible; block-size: auto; }
  h2, h3, h4, .about { break-after: avoid; }
  p, figure, .answer, tr, .figures, .summary > div, .choices, .terms dd { break-inside: avoid; }
  .terms dt { break-after: avoid; }
  thead { display: table-header-group; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
)css";

std::string variables(bool dark) {
  std::string css = dark ? "color-scheme: dark;" : "color-scheme: light;";
  for (const Tone& tone : kPalette)
    css.append(" --").append(tone.name).append(": ").append(dark ? tone.dark : tone.light).append(";");
  return css;
}

}  // namespace

std::string page_style() {
  std::string css = "\n:root { " + variables(false) + " }\n";
  css += "@media screen { :root[data-theme=\"dark\"] { " + variables(true) + " } }\n";
  css += "@media screen and (prefers-color-scheme: dark) { :root:not([data-theme=\"light\"]) { " +
         variables(true) + " } }\n";
  return css.append(kBase).append(figure_style()).append(kPrint);
}

}  // namespace hone::layout
