/** The page's style sheet. */

/**
 * Colours mean the same everywhere: amber is float, indigo is simulated, teal is int8 and deployed. All of them, and the
 * muted grey, have a contrast of at least 4.5:1 on the paper (WCAG 2.2, 1.4.3), light and dark.
 */
const THEME = `
:root { color-scheme: light dark;
  --paper: #fff; --ink: #1d1f21; --muted: #62676c; --rule: #dfe2e4; --wash: #f5f6f6;
  --float: #a6560a; --simulated: #5450b0; --int8: #0e7268; --poor: #b3261e;
  --int8-wash: #e3f1ef; --float-wash: #fbeedd; --bar: #c5cacd; }
@media (prefers-color-scheme: dark) { :root {
  --paper: #15181a; --ink: #e6e8e9; --muted: #9aa1a6; --rule: #33383c; --wash: #1d2124;
  --float: #e8a257; --simulated: #a5a1f2; --int8: #4fc3b4; --poor: #f28b82;
  --int8-wash: #15302d; --float-wash: #38291a; --bar: #4b5257; } }
@media print { :root { color-scheme: light;
  --paper: #fff; --ink: #000; --muted: #555; --rule: #ccc; --wash: #fff;
  --float: #a6560a; --simulated: #5450b0; --int8: #0e7268; --poor: #b3261e;
  --int8-wash: #e3f1ef; --float-wash: #fbeedd; --bar: #bbb; } }
`;

const PAGE = `
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 -apple-system, "Segoe UI", Roboto,
  "Helvetica Neue", "Noto Sans", "Liberation Sans", Arial, sans-serif; font-variant-numeric: tabular-nums; -webkit-text-size-adjust: 100%; }
main { max-width: 1048px; margin: 0 auto; padding: 48px 24px 64px; }
h1 { font-size: 30px; line-height: 1.25; font-weight: 650; letter-spacing: -0.015em; margin: 6px 0 14px;
  max-width: 30em; text-wrap: balance; }
h2 { font-size: 19px; line-height: 1.3; font-weight: 650; margin: 0 0 4px; }
h3 { font-size: 15px; font-weight: 650; margin: 28px 0 8px; }
p { margin: 0 0 12px; max-width: 46em; }
section { border-top: 1px solid var(--rule); margin-top: 40px; padding-top: 24px; }
h1, h2, h3, p, code, figcaption, .value, .note { overflow-wrap: anywhere; }
section > p, .meta, figcaption { color: var(--muted); }
.meta { font-size: 14px; margin: 0; }
code, pre { font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; }
pre { background: var(--wash); border: 1px solid var(--rule); border-radius: 6px; padding: 12px 14px; margin: 0 0 16px;
  white-space: pre-wrap; overflow-wrap: anywhere; }
figure { margin: 16px 0 0; }
figcaption { font-size: 13px; }
svg { display: block; max-width: 100%; height: auto; }
.medium, .narrow { display: none; } .square { max-width: 640px; }
.poor { color: var(--poor); } .fair { color: var(--float); } .good { color: var(--int8); }
`;

const FIGURES = `
.figures { display: grid; grid-template-columns: repeat(var(--figures), 1fr); gap: 1px; background: var(--rule); margin: 28px 0 0;
  border: 1px solid var(--rule); border-radius: 8px; overflow: hidden; }
.figures div { background: var(--paper); padding: 16px 18px; display: flex; flex-direction: column; }
.figures dt { font-size: 13px; color: var(--muted); }
.figures dd { margin: 0; }
.figures dd.value { font-size: 28px; line-height: 1.3; font-weight: 650; letter-spacing: -0.02em; }
.figures dd.note { font-size: 13px; color: var(--muted); }
.key { display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 0 0 10px; padding: 0; list-style: none; font-size: 13px;
  color: var(--muted); }
.key li { display: flex; align-items: center; gap: 7px; }
.key svg { flex: none; }
.dots { display: grid; grid-template-columns: max-content 1fr max-content max-content; gap: 0 14px; font-size: 14px; }
.dots > div { display: contents; }
.dots .track { position: relative; height: 34px; border-left: 1px solid var(--rule); border-right: 1px solid var(--rule); }
.dots .track::before { content: ""; position: absolute; left: 0; right: 0; top: 50%; border-top: 1px solid var(--rule); }
.dots .track i { position: absolute; top: 50%; width: 12px; height: 12px; margin: -6px; border-radius: 50%;
  background: var(--bar); }
.dots .track b { position: absolute; top: 0; bottom: 0; border-left: 1.5px dotted var(--float); }
.dots .track s { position: absolute; top: 50%; height: 4px; margin-top: -2px; background: var(--muted); opacity: .45; border-radius: 2px; }
.dots i.float { background: var(--float) !important; } .dots i.simulated { background: var(--simulated) !important; }
.dots i.int8 { background: var(--int8) !important; }
.dots span { align-self: center; } .dots .value { font-weight: 650; text-align: right; }

.dots .step { padding-right: 6px; } .dots small { color: var(--muted); font-size: 13px; margin-left: 4px; }
.dots .delta { text-align: right; color: var(--muted); }
.dots .axis { height: auto; border: 0; display: flex; justify-content: space-between; color: var(--muted);
  font-size: 12px; }
.dots .axis::before { display: none; }
.bars { display: grid; grid-template-columns: 1fr 1fr; gap: 12px 48px; }
.bars h3 { margin: 12px 0 6px; }
.bar { display: grid; grid-template-columns: 44px 1fr; align-items: center; gap: 0 12px; font-size: 14px; }
.bar .track { display: flex; align-items: center; gap: 8px; min-height: 34px; }
.bar .fill { position: relative; height: 20px; border-radius: 2px; background: var(--bar); flex: none; max-width: 62%; }
.bar .fill.int8 { background: var(--int8); } .bar .fill.float { background: var(--float); }
.bar b { font-weight: 650; white-space: nowrap; } .bar small { color: var(--muted); font-size: 13px; }
.share { display: flex; height: 14px; border-radius: 3px; overflow: hidden; background: var(--rule); gap: 2px;
  margin: 12px 0 10px; }
.share .int8 { background: var(--int8); } .share .float { background: var(--float); }
.chips { display: flex; flex-wrap: wrap; gap: 6px; list-style: none; padding: 0; margin: 0 0 4px; font-size: 13px; }
.chips li { padding: 2px 9px; border-radius: 4px; background: var(--int8-wash); color: var(--int8); }
.chips li.float { background: var(--float-wash); color: var(--float); }
.chips b { font-weight: 650; }
`;

const TABLES = `
.scroll { overflow: auto; max-height: 560px; border: 1px solid var(--rule); border-radius: 6px; margin-top: 14px; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th { text-align: left; font-weight: 600; color: var(--muted); font-size: 13px; white-space: nowrap; }
thead th { position: sticky; top: 0; background: var(--paper); box-shadow: inset 0 -1px var(--rule); z-index: 1; }
th, td { padding: 5px 12px; vertical-align: top; }
tbody tr + tr > * { border-top: 1px solid var(--rule); }
tbody th { color: var(--ink); font-size: 14px; font-weight: 500; }
.name { overflow-wrap: anywhere; min-width: 9em; white-space: normal; }
.number { text-align: right; white-space: nowrap; }
th small, td small { color: var(--muted); font-weight: 400; white-space: nowrap; }
.range { display: inline-block; position: relative; width: 150px; height: 10px; margin-top: 6px; vertical-align: top; }
.range i { position: absolute; top: 0; bottom: 0; min-width: 2px; border-radius: 2px; background: var(--simulated); }
.range b { position: absolute; top: -3px; bottom: -3px; border-left: 1px solid var(--muted); }
td:has(.error) { white-space: nowrap; }
.error { display: inline-block; width: 90px; height: 10px; margin-right: 8px; background: var(--rule);
  border-radius: 2px; overflow: hidden; }
.error i { display: block; height: 100%; background: var(--int8); } .error i.poor { background: var(--poor); }
dl.facts { display: grid; grid-template-columns: max-content 1fr; gap: 2px 20px; margin: 0 0 8px; font-size: 14px; }
.facts dt { color: var(--muted); } .facts dd { margin: 0; overflow-wrap: anywhere; }
.halves { display: grid; grid-template-columns: 1fr 1fr; gap: 0 48px; }
`;

/** `--share` is a cell's share of its row; the ink stays readable on half of the colour. */
const MATRIX = `
.matrix { width: fit-content; max-width: 100%; } .matrix table { width: auto; } .matrix td { text-align: right; }
.matrix thead th { vertical-align: bottom; text-align: right; } .matrix th.corner { text-align: left; font-weight: 400; }
.matrix th span { writing-mode: vertical-rl; transform: rotate(180deg); max-height: 12em; overflow: hidden; text-align: left; }
.matrix tbody th { white-space: normal; overflow-wrap: anywhere; min-width: 6em; max-width: 12em; }
.matrix td { background: color-mix(in srgb, var(--simulated) calc(var(--share) * 50%), transparent); }
.matrix td.hit { background: color-mix(in srgb, var(--int8) calc(var(--share) * 50%), transparent); }
.matrix td.miss { background: color-mix(in srgb, var(--poor) calc(var(--share) * 50%), transparent); }
.matrix td.none { color: var(--muted); background: none; }
`;

const PICTURES = `
.pictures { margin-top: 18px; } .pictures + .note { margin-top: 14px; }
.panels { display: grid; grid-auto-flow: column; grid-auto-columns: minmax(250px, 322px); gap: 17px; overflow-x: auto;
  margin-top: 6px; }
.panels b { font-size: 13px; font-weight: 600; } .panels svg { width: 100%; border-radius: 4px; }
.boxes rect { fill: none; stroke-width: 2; } .boxes .halo { stroke: var(--paper); stroke-width: 4.5; stroke-opacity: 0.7; }
.labels text { fill: var(--paper); font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; }
.dot circle { stroke: var(--paper); } .off { fill: none; stroke: var(--poor); stroke-width: 1.5; }
`;

/** Rows are 24 px high, as \`_graph_map.ts\` draws them. */
const MAP = `
.map { display: grid; grid-template-columns: repeat(var(--columns), minmax(0, 1fr)); gap: 0 22px; margin-top: 12px; }
.map-column { display: flex; align-items: flex-start; gap: 7px; min-width: 0; }
.map-column svg { flex: none; max-width: none; }
.map ol { list-style: none; margin: 0; padding: 0; min-width: 0; flex: 1; }
.map li { height: 24px; line-height: 24px; font-size: 12.5px; display: flex; gap: 7px; white-space: nowrap;
  cursor: default; }
.map li span { overflow: hidden; text-overflow: ellipsis; flex: none; max-width: 100%; }
.map li small { color: var(--muted); font-size: 11.5px; overflow: hidden; text-overflow: ellipsis; flex: 0 1 auto;
  min-width: 0; }
.map li.float span, .map li.float small { color: var(--float); font-weight: 600; }
.map li.port, .map li.border { color: var(--muted); } .map li.port span { font-style: italic; }
.map li:hover { background: var(--wash); }
.edge { fill: none; stroke: var(--int8); stroke-width: 1.5; }
.edge.float { stroke: var(--float); stroke-dasharray: 3 2.5; }
rect.int8 { fill: var(--int8); } path.float:not(.edge) { fill: var(--paper); stroke: var(--float); stroke-width: 2; }
circle.border { fill: var(--paper); stroke: var(--muted); stroke-width: 1.5; } circle.port { fill: var(--muted); }
`;

const MEDIA = `
@media (max-width: 860px) {
  .figures, .map { grid-template-columns: repeat(2, minmax(0, 1fr)); } .map { row-gap: 20px; }
  .figures div:nth-child(odd):last-child { grid-column: 1 / -1; }
  .bars { grid-template-columns: minmax(0, 1fr); } .wide { display: none; } .medium { display: block; }
}
@media (max-width: 620px) {
  main { padding: 28px 16px 40px; } h1 { font-size: 23px; }
  .halves, .map { grid-template-columns: minmax(0, 1fr); }
  .figures div { padding: 12px 14px; } .figures dd.value { font-size: 23px; }
  .dots { grid-template-columns: 1fr max-content max-content; } .dots .track { grid-column: 1 / -1; grid-row: auto;
  order: 0; height: 22px; margin-bottom: 10px; } .dots .delta:empty { display: block; }
  .dots > div { display: grid; grid-template-columns: subgrid; grid-column: 1 / -1; }
  .dots > div .track { order: 1; } .dots .axis { height: auto; }
}
@media (max-width: 520px) { .medium, .large { display: none; } .narrow { display: block; } }
@media print {
  .wide, .large { display: block; } .medium, .narrow { display: none; }
  .figures { grid-template-columns: repeat(var(--figures), 1fr); } .bars { grid-template-columns: 1fr 1fr; }
  main { padding: 0; max-width: none; } body { font-size: 12px; } .scroll { max-height: none; overflow: visible; }
  section { break-inside: auto; } figure, .figures, .bars, tr, .halves > div { break-inside: avoid; }
  .panels { grid-auto-columns: minmax(0, 322px); overflow: visible; } h2, h3, .key { break-after: avoid; } thead th { position: static; }
  * { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
}
`;

/** All of the page's style. */
export const STYLE: string = THEME + PAGE + FIGURES + TABLES + MATRIX + PICTURES + MAP + MEDIA;
