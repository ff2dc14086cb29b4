// Style sheet and script of the HTML report. The script adds tooltips that follow the pointer, copy buttons
// and opens folded parts before printing; the page is complete without it.
#include "report/style.h"

namespace hone::layout {
namespace {

constexpr std::string_view kStyle = R"css(
:root {
  --page: #ffffff; --panel: #f6f7f9; --text: #1b1f24; --muted: #59626d; --line: #dfe3e8; --faint: #eceff2;
  --accent: #1d5fa6; --accent-soft: #a9c6e6; --second: #b1500f; --bad: #b3261e;
  --sans: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans", Arial, sans-serif;
  --mono: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --page: #14171b; --panel: #1c2026; --text: #e4e7eb; --muted: #9da7b3; --line: #333a43; --faint: #262c33;
    --accent: #74b2f2; --accent-soft: #34577c; --second: #f0a46e; --bad: #ff8a80;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.6 var(--sans);
  overflow-wrap: break-word; }
main, footer { max-width: 62rem; margin: 0 auto; padding: 0 1.5rem; }
main { padding-top: 4rem; }
h1 { font-size: 2.25rem; line-height: 1.2; letter-spacing: -0.02em; font-weight: 650; margin: 0.2rem 0 0.4rem; }
h2 { font-size: 1.35rem; line-height: 1.3; letter-spacing: -0.01em; font-weight: 650; margin: 0 0 0.4rem; }
h3 { font-size: 1rem; line-height: 1.45; font-weight: 650; margin: 2rem 0 0.7rem; }
p { margin: 0 0 1rem; max-width: 46rem; }
section { margin-top: 3.75rem; }
a { color: var(--accent); }
.eyebrow { font-size: 0.85rem; color: var(--muted); margin: 0; }
.byline { color: var(--muted); margin: 0 0 2rem; }
.lead { font-size: 1.17rem; line-height: 1.62; max-width: 46rem; margin-bottom: 2.25rem; }
.about { color: var(--muted); margin-bottom: 1.25rem; }
.note { color: var(--muted); font-size: 0.875rem; margin-top: 0.75rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(12rem, 1fr)); gap: 1.5rem 2rem; margin: 0;
  padding: 1.4rem 0 0; border-top: 1px solid var(--line); }
.figures div { display: flex; flex-direction: column; }
.figures dt { order: 1; font-size: 0.875rem; font-weight: 600; margin-bottom: 0.15rem; }
.figures dd { order: 2; margin: 0; }
.figures .big { font-size: 1.7rem; line-height: 1.3; font-weight: 600; letter-spacing: -0.015em;
  font-variant-numeric: tabular-nums; color: var(--accent); }
.figures .small { order: 3; font-size: 0.875rem; line-height: 1.45; color: var(--muted); }

.scroll { overflow-x: auto; margin: 0; border-top: 1px solid var(--line); border-bottom: 1px solid var(--line); }
.scroll:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
table { border-collapse: collapse; width: 100%; font-size: 0.875rem; line-height: 1.4; }
.stages th, .stages td { padding: 0.7rem 0.55rem; text-align: left; vertical-align: top; }
.stages th:first-child, .stages td:first-child { padding-left: 0; }
.stages th:last-child, .stages td:last-child { padding-right: 0; }
.stages thead th { font-weight: 600; vertical-align: bottom; line-height: 1.3; border-bottom: 1px solid var(--line); }
.stages tbody tr + tr > * { border-top: 1px solid var(--faint); }
.stages .n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.stages thead .n { white-space: normal; }
.stages tbody th { font-weight: 400; min-width: 9.5rem; max-width: 15rem; position: sticky; left: 0;
  background: var(--page); }
.stages .name { display: block; font-weight: 650; }
.stages small { display: block; font-size: 0.8rem; font-weight: 400; color: var(--muted); }
.failed { color: var(--bad); font-weight: 600; }

figure { margin: 0; position: relative; }
.plot { display: block; width: 100%; height: auto; overflow: visible; font-family: var(--sans); }
.plot.narrow { display: none; }
.plot text { fill: var(--muted); font-size: 13px; font-variant-numeric: tabular-nums; }
.plot .label { fill: var(--text); font-size: 14px; font-weight: 600; paint-order: stroke; stroke: var(--page);
  stroke-width: 4px; stroke-linejoin: round; }
.plot .mid { text-anchor: middle; }
.plot .end { text-anchor: end; }
.grid line { stroke: var(--faint); }
.floor { stroke: var(--line); }
.leader { stroke: var(--muted); opacity: 0.6; }
.level { stroke: var(--muted); stroke-dasharray: 2 5; opacity: 0.8; }
.whisker { stroke: var(--accent); stroke-width: 1.5; fill: none; opacity: 0.65; }
.dot { fill: var(--accent); stroke: var(--page); stroke-width: 1.5; }
.base .whisker { stroke: var(--muted); }
.base .dot { fill: var(--muted); }
.hit { fill: transparent; }
.mark:hover .dot { stroke: var(--text); }
.raw, .smooth, .valid, .rate { fill: none; stroke-linejoin: round; stroke-linecap: round; }
.raw { stroke: var(--accent-soft); stroke-width: 1.25; }
.smooth { stroke: var(--accent); stroke-width: 2.25; }
.valid { stroke: var(--second); stroke-width: 1.5; stroke-dasharray: 4 4; }
.valid-dot { fill: var(--second); stroke: var(--page); stroke-width: 1; }
.rate { stroke: var(--muted); stroke-width: 1.25; }
.column rect { fill: transparent; }
.column line, .column circle { visibility: hidden; pointer-events: none; }
.column line { stroke: var(--line); }
.column circle { fill: var(--accent); }
.column:hover line, .column:hover circle { visibility: visible; }
.tip { position: fixed; z-index: 2; pointer-events: none; max-width: 17rem; padding: 0.4rem 0.65rem;
  background: var(--text); color: var(--page); border-radius: 4px; font-size: 0.8125rem; line-height: 1.45;
  white-space: pre-line; }

.answers { display: grid; grid-template-columns: repeat(auto-fit, minmax(17rem, 1fr)); gap: 1.5rem 2rem; }
.example + .example { margin-top: 2.5rem; padding-top: 0.5rem; border-top: 1px solid var(--faint); }
.example h3 { white-space: pre-line; max-width: 46rem; }
.answer { min-width: 0; }
.answer h4 { margin: 0 0 0.3rem; font-size: 0.8125rem; line-height: 1.4; font-weight: 650; color: var(--muted); }
.answer.reference h4 { color: var(--accent); }
.answer .text { font-size: 0.9375rem; line-height: 1.55; white-space: pre-line; }
.fold:not(:checked) ~ .answers .text { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 7;
  overflow: hidden; }
.fold { position: absolute; opacity: 0; pointer-events: none; }
.unfold { display: inline-block; margin-top: 0.9rem; color: var(--accent); font-size: 0.9375rem; cursor: pointer;
  text-decoration: underline; text-underline-offset: 0.2em; text-decoration-thickness: 1px; }
.unfold .less, .fold:checked ~ .unfold .more { display: none; }
.fold:checked ~ .unfold .less { display: inline; }
.fold:focus-visible ~ .unfold { outline: 2px solid var(--accent); outline-offset: 3px; }

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
.copy { position: absolute; top: 0.45rem; right: 0.45rem; border: 1px solid var(--line); border-radius: 4px;
  background: var(--page); color: var(--muted); font: 0.75rem/1.4 var(--sans); padding: 0.2rem 0.6rem;
  cursor: pointer; }
.copy:hover { color: var(--text); }
code { font: 0.9em var(--mono); overflow-wrap: anywhere; }
details { margin-top: 1rem; }
summary { cursor: pointer; color: var(--accent); font-size: 0.9375rem; }
details > :not(summary) { margin-top: 0.9rem; }
.terms { margin: 0; max-width: 46rem; }
.terms dt { font-weight: 650; margin-top: 0.9rem; }
.terms dt:first-child { margin-top: 0; }
.terms dt span { font-weight: 400; color: var(--muted); }
.terms dd { margin: 0; color: var(--muted); }
.notes { margin: 0; padding-left: 1.2rem; max-width: 46rem; }
.notes li { margin-bottom: 0.5rem; white-space: pre-line; }
footer { margin-top: 4.5rem; padding-top: 1.25rem; padding-bottom: 3rem; color: var(--muted); font-size: 0.8125rem; }

@media (max-width: 44rem) {
  main, footer { padding-left: 1.15rem; padding-right: 1.15rem; }
  main { padding-top: 2rem; }
  h1 { font-size: 1.75rem; }
  .lead { font-size: 1.06rem; }
  section { margin-top: 3rem; }
  .plot.wide { display: none; }
  .plot.narrow { display: block; max-width: 30rem; margin: 0 auto; }
  .figures { grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: 1.25rem; }
  .figures .big { font-size: 1.35rem; }
  .stages tbody th { min-width: 8rem; max-width: 8rem; padding-right: 0.75rem; }
  .answers { grid-template-columns: minmax(0, 1fr); }
  .facts { grid-template-columns: minmax(0, 1fr); gap: 0; }
  .facts dd { margin-bottom: 0.8rem; }
}
@media print {
  @page { margin: 16mm 14mm; }
  body { font-size: 10pt; }
  main { padding-top: 0; max-width: none; }
  section { margin-top: 2rem; }
  .scroll { overflow: visible; }
  table, .stages small { font-size: 7.5pt; }
  .stages th, .stages td { padding: 0.35rem 0.3rem; }
  .stages tbody th { min-width: 0; position: static; }
  .fold:not(:checked) ~ .answers .text { display: block; }
  .unfold, .copy, .tip { display: none; }
  pre { white-space: pre-wrap; border: 1px solid var(--line); }
  h2, h3, h4 { break-after: avoid; }
  figure, .answer, tr, .figures { break-inside: avoid; }
}
)css";

constexpr std::string_view kScript = R"js(
(() => {
  const tip = document.createElement('div');
  tip.className = 'tip';
  tip.hidden = true;
  document.body.append(tip);
  const texts = new Map();
  for (const group of document.querySelectorAll('.plot g')) {
    const title = group.querySelector(':scope > title');
    if (!title) continue;
    texts.set(group, title.textContent);
    title.remove();
  }
  const show = (event) => {
    const group = event.target.closest ? event.target.closest('.plot g.column, .plot g.mark') : null;
    const text = group && texts.get(group);
    tip.hidden = !text;
    if (!text) return;
    tip.textContent = text;
    const box = tip.getBoundingClientRect();
    const x = Math.min(event.clientX + 14, document.documentElement.clientWidth - box.width - 8);
    const y = event.clientY - box.height - 12;
    tip.style.left = Math.max(8, x) + 'px';
    tip.style.top = (y < 8 ? event.clientY + 18 : y) + 'px';
  };
  document.addEventListener('pointermove', show);
  document.addEventListener('pointerdown', show);
  document.addEventListener('scroll', () => { tip.hidden = true; }, { passive: true });
  if (navigator.clipboard) {
    for (const block of document.querySelectorAll('.code')) {
      const button = document.createElement('button');
      button.type = 'button';
      button.className = 'copy';
      button.textContent = 'Copy';
      button.addEventListener('click', () => {
        navigator.clipboard.writeText(block.querySelector('pre').textContent).then(() => {
          button.textContent = 'Copied';
          setTimeout(() => { button.textContent = 'Copy'; }, 1500);
        });
      });
      block.append(button);
    }
  }
  const closed = [];
  addEventListener('beforeprint', () => {
    for (const part of document.querySelectorAll('details:not([open])')) {
      part.open = true;
      closed.push(part);
    }
  });
  addEventListener('afterprint', () => { while (closed.length) closed.pop().open = false; });
})();
)js";

}  // namespace

std::string_view page_style() {
  return kStyle;
}
std::string_view page_script() {
  return kScript;
}

}  // namespace hone::layout
