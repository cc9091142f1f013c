/** Draws the int8/float map of a graph. */
import { escapeHtml } from "../_format.ts";
import { shorten } from "../_width.ts";
import { type Column, type Edge, layOutGraph, type Row } from "./_graph_layout.ts";
import type { FloatOp, GraphNodeReport } from "../schema.ts";

/** Sizes in px. `row` must equal the rows' height in the style sheet. */
const PX = { row: 24, lane: 11, marker: 5, corner: 7, stub: 14 } as const;
const COLUMNS = 4;
/** Width of the page and between columns, and of a character at 12.5 px with some to spare, in px. */
const PAGE = { width: 1000, gap: 22, character: 7.6 } as const;

/** What the rows' texts depend on. */
interface RowLabels {
  /** Why nodes run in float, by name. */
  readonly reasons: ReadonlyMap<string, string>;
  /** Characters of a name that are shown. */
  readonly room: number;
}

/** How a node is drawn: as int8, as float, or as the border between the two. */
type NodeKind = "int8" | "float" | "border";

/** Draws `nodes` as HTML: columns of rows, each with the lines that join them at its left. */
export function renderGraphMap(
  nodes: readonly GraphNodeReport[],
  { floatOps }: { floatOps: readonly FloatOp[] },
): string {
  const reasons = new Map(floatOps.map(({ node, because }) => [node, because]));
  const columns = layOutGraph(nodes, { columns: COLUMNS });
  const lanes = Math.max(...columns.map((column) => column.lanes));
  const columnWidth = (PAGE.width + PAGE.gap) / columns.length - PAGE.gap;
  const room = Math.floor((columnWidth - railWidth(lanes)) / PAGE.character);
  const drawn = columns.map((column, i) =>
    renderColumn(column, { lanes, reasons, room, last: i === columns.length - 1 })
  );
  return `<div class="map" style="--columns:${columns.length}">${drawn.join("")}</div>`;
}

function renderColumn(
  column: Column,
  { lanes, reasons, room, last }: RowLabels & { lanes: number; last: boolean },
): string {
  const width = railWidth(lanes);
  const height = column.rows.length * PX.row + (last ? 0 : PX.stub);
  const x = (lane: number) => width - PX.marker - 2 - lane * PX.lane;
  const lines = column.edges.map((edge) => renderEdge(edge, { x, height, rows: column.rows.length }));
  const markers = column.rows.map((row, i) =>
    renderMarker(row.kind === "port" ? "port" : kindOf(row.node), { x: x(0), y: centre(i) })
  );
  const rail = `<svg width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" aria-hidden="true">` +
    `${lines.join("")}${markers.join("")}</svg>`;
  return `<div class="map-column">${rail}<ol>${
    column.rows.map((row) => renderRow(row, { reasons, room })).join("")
  }</ol></div>`;
}

function railWidth(lanes: number): number {
  return PX.marker * 2 + 4 + lanes * PX.lane;
}

function centre(row: number): number {
  return (row + 0.5) * PX.row;
}

function renderEdge(
  { from, to, lane, float }: Edge,
  { x, height, rows }: { x: (lane: number) => number; height: number; rows: number },
): string {
  const main = x(0);
  const side = x(lane);
  const yOf = (row: number) => row === rows ? height : centre(row);
  const path = lane === 0
    ? `M${main} ${centre(from)}V${yOf(to[0])}`
    : to.map((row) => renderDetour({ main, side, start: centre(from), end: yOf(row), open: row === rows }))
      .join("");
  return `<path d="${path}" class="edge${float ? " float" : ""}"/>`;
}

/** Draws a path out to a lane, down, and back in again, unless it leaves the column (`open`). */
function renderDetour(path: { main: number; side: number; start: number; end: number; open: boolean }): string {
  const { main, side, start, end, open } = path;
  const r = PX.corner;
  const out = `M${main} ${start}H${side + r}Q${side} ${start} ${side} ${start + r}`;
  return open ? `${out}V${end}` : `${out}V${end - r}Q${side} ${end} ${side + r} ${end}H${main}`;
}

/** Draws int8 as a filled square, float as a hollow diamond, the border as a small dot: not told by colour alone. */
function renderMarker(kind: NodeKind | "port", { x, y }: { x: number; y: number }): string {
  const r = PX.marker;
  if (kind === "int8") {
    return `<rect x="${x - r}" y="${y - r}" width="${2 * r}" height="${2 * r}" rx="2" class="int8"/>`;
  }
  if (kind === "float") {
    return `<path d="M${x} ${y - r - 1}l${r + 1} ${r + 1}l-${r + 1} ${r + 1}l-${r + 1}-${r + 1}z" class="float"/>`;
  }
  return `<circle cx="${x}" cy="${y}" r="${kind === "port" ? 2.5 : 3.5}" class="${kind}"/>`;
}

function renderRow(row: Row, { reasons, room }: RowLabels): string {
  const label = (text: string) => escapeHtml(shorten(text, { width: room }));
  if (row.kind === "port") {
    const text = row.input ? "input of the graph" : "from the column before";
    return `<li class="port" title="${escapeHtml(`${row.name}: ${text}`)}"><span>${label(row.name)}</span></li>`;
  }
  const { name, op, layer } = row.node;
  const kind = kindOf(row.node);
  const runs = kind === "float" ? `runs in float: ${reasons.get(name) ?? "no reason was recorded"}` : RUNS[kind];
  const title = [op, `node ${name}`, layer && layer !== name ? `layer ${layer}` : "", runs].filter(Boolean)
    .map(escapeHtml).join("\n");
  return `<li class="${kind}" title="${title}"><span>${label(layer || name)}</span>` +
    `<small>${escapeHtml(op)}</small></li>`;
}

const RUNS = { int8: "runs in int8", border: "turns float into codes, or codes into float" } as const;

function kindOf(node: GraphNodeReport): NodeKind {
  if (/^(Quantize|Dequantize)Linear$/.test(node.op)) return "border";
  return node.int8 ? "int8" : "float";
}
