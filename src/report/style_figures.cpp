// Style of the figures: what is told by colour is told by shape or dash too. First series: circles, whole
// lines; second: squares, dashes; validation: diamonds; the base model: hollow.
#include "report/style.h"

namespace hone::layout {
namespace {

constexpr std::string_view kFigures = R"css(
figure { margin: 0; position: relative; }
.plot { display: block; width: 100%; height: auto; overflow: visible; font-family: var(--sans); }
.plot.narrow { display: none; }
.plot text { fill: var(--muted); font-size: 13px; font-variant-numeric: tabular-nums; }
.plot .label { fill: var(--text); font-size: 14px; font-weight: 600; paint-order: stroke; stroke: var(--page);
  stroke-width: 4px; stroke-linejoin: round; }
.plot .mid { text-anchor: middle; }
.plot .end { text-anchor: end; }
.plot:focus-visible, .mark:focus-visible { outline: none; }
.plot:focus-visible { outline: 2px solid var(--first); outline-offset: 4px; border-radius: 2px; }
.s0 { --ink: var(--first); --soft: var(--first-soft); }
.s1 { --ink: var(--second); --soft: var(--second-soft); }
.plain { --ink: var(--muted); }
.rule { stroke: var(--faint); }
.floor { stroke: var(--line); }
.leader { stroke: var(--muted); opacity: 0.6; }
.level { stroke: var(--muted); stroke-dasharray: 2 5; }
.whisker { stroke: var(--ink); stroke-width: 1.5; fill: none; }
.whisker.on-bar { stroke: var(--text); }
.bar { fill: var(--soft); }
.dot { fill: var(--ink); stroke: var(--page); stroke-width: 1.5; }
.plain .dot { fill: var(--page); stroke: var(--ink); stroke-width: 2; }
.hit { fill: transparent; }
.mark:hover .dot, .mark:focus .dot { stroke: var(--text); stroke-width: 2.5; }
.mark:hover .bar, .mark:focus .bar { fill: var(--ink); }
.raw, .smooth, .valid, .rate { fill: none; stroke-linejoin: round; stroke-linecap: round; }
.raw { stroke: var(--soft, var(--first-soft)); stroke-width: 1.25; }
.raw.alone { stroke: var(--ink, var(--first)); stroke-width: 2; }
.smooth { stroke: var(--ink); stroke-width: 2.25; }
.s1 .smooth { stroke-dasharray: 9 4; }
.valid { stroke: var(--second); stroke-width: 1.5; stroke-dasharray: 3 4; }
.valid-dot { fill: var(--second); stroke: var(--page); stroke-width: 1; }
.two .s0 .valid { stroke: var(--first); }
.two .s0 .valid-dot { fill: var(--first); }
line.rate, polyline.rate { stroke: var(--muted); stroke-width: 1.25; }
polyline.rate.s1 { stroke-dasharray: 5 3; }
.column rect { fill: transparent; }
.column path, .column circle { visibility: hidden; pointer-events: none; }
.column path { stroke: var(--muted); stroke-width: 1; }
.column circle { fill: var(--ink); stroke: var(--page); }
.column:hover path, .column:hover circle, .column.on path, .column.on circle { visibility: visible; }
.tip { position: fixed; z-index: 2; pointer-events: none; max-width: 18rem; padding: 0.4rem 0.65rem;
  background: var(--text); color: var(--page); border-radius: 4px; font-size: 0.8125rem; line-height: 1.45;
  white-space: pre-line; font-variant-numeric: tabular-nums; }

.choices { display: flex; flex-wrap: wrap; align-items: center; gap: 0.4rem; }
.choices > figure, .choice { flex: 1 0 100%; min-width: 0; margin-top: 0.9rem; }
.pick { position: absolute; opacity: 0; pointer-events: none; }
.pick + label { display: inline-flex; align-items: center; gap: 0.4rem; border: 1px solid var(--line);
  border-radius: 4px; padding: 0.15rem 0.65rem; font-size: 0.875rem; color: var(--muted); cursor: pointer; }
.pick:checked + label { color: var(--text); border-color: var(--muted); background: var(--panel); }
.pick[type="radio"]:checked + label { color: var(--page); background: var(--first); border-color: var(--first); }
.pick:not(:checked) + label .swatch { opacity: 0.35; }
.pick:focus-visible + label { outline: 2px solid var(--first); outline-offset: 2px; }
.pick-about { font-size: 0.875rem; color: var(--muted); margin-left: 0.5rem; }
.swatch { width: 22px; height: 10px; overflow: visible; }
.choice { display: none; }
.choices > .choice:only-child, .c0:checked ~ .choice.c0, .c1:checked ~ .choice.c1, .c2:checked ~ .choice.c2 {
  display: block; }
.t-raw:not(:checked) ~ figure .raw, .t-valid:not(:checked) ~ figure .valid,
.t-valid:not(:checked) ~ figure .valid-dot, .t-rate:not(:checked) ~ figure .rate,
.t-s0:not(:checked) ~ figure .s0, .t-s1:not(:checked) ~ figure .s1, .smooth.k2,
.k0-on:checked ~ figure .smooth, .k2-on:checked ~ figure .smooth.k1 { display: none; }
.k2-on:checked ~ figure .smooth.k2 { display: inline; }

@media screen and (max-width: 44rem) {
  .plot.wide { display: none; }
  .plot.narrow { display: block; max-width: 30rem; margin: 0 auto; }
}
)css";

}  // namespace

std::string_view figure_style() {
  return kFigures;
}

}  // namespace hone::layout
