/** What runs in int8, what in float and why. */
import { count, escapeHtml, plural } from "../_format.ts";
import { renderGraphMap } from "./_graph_map.ts";
import { cssPercent, type HtmlSection, key, section, table } from "./_markup.ts";
import { describeInFloat, otherDevice } from "../_words.ts";
import type { FloatOp, GraphNodeReport, IslandReport, Report } from "../schema.ts";

/** The graph as ONNX Runtime runs it; nothing where there is no file. */
export const graphSection: HtmlSection = {
  name: "graph",
  render: (report, { int8Ops, floatOps }) => {
    const { fusion, graph, islands = [] } = report;
    if (fusion === undefined) return undefined;
    const total = int8Ops + floatOps;
    const body = [
      `<div class="share" role="img" aria-label="${int8Ops} of ${total} in int8">` +
      share("int8", int8Ops / total) + share("float", floatOps / total) + "</div>",
      `<ul class="chips">${[...chips(fusion.int8, "int8"), ...chips(countOps(fusion.float), "float")].join("")}</ul>`,
      graph === undefined || graph.nodes.length === 0 ? "" : renderMap(graph.nodes, fusion.float),
      renderFloatTable(fusion.float, islands),
    ];
    return section("Where it runs in int8", {
      lead: `${describe(int8Ops, floatOps)}${describeMoved(fusion.moved)}${sayDevice(report)}`,
      body: body.filter(Boolean).join("\n"),
    });
  },
};

function describe(int8Ops: number, floatOps: number): string {
  const total = plural(int8Ops + floatOps, "operator");
  const source = "read back from the graph that ONNX Runtime made of the file";
  if (int8Ops + floatOps === 0) return "No operator of the deployed graph was counted.";
  if (floatOps === 0) return `All ${total} run in int8, ${source}.`;
  return `${count(int8Ops)} of ${total} run in int8, ${count(floatOps)} in float, ${source}.`;
}

function sayDevice(report: Report): string {
  const device = otherDevice(report);
  return device === undefined ? "" : ` So it is on a CPU. ${escapeHtml(describeInFloat(device))}`;
}

function describeMoved(moved: Readonly<Record<string, number>> = {}): string {
  const ops = Object.entries(moved).map(([op, times]) => `${times} ${op}`);
  return ops.length === 0 ? "" : ` Codes are moved by ${ops.join(", ")}.`;
}

function share(kind: "int8" | "float", part: number): string {
  return part > 0 ? `<span class="${kind}" style="width:${cssPercent(part)}"></span>` : "";
}

function chips(ops: Readonly<Record<string, number>>, kind: "int8" | "float"): readonly string[] {
  return Object.entries(ops)
    .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
    .map(([op, times]) => `<li class="${kind}">${escapeHtml(op)} <b>${times}</b></li>`);
}

function countOps(ops: readonly FloatOp[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { op } of ops) counts[op] = (counts[op] ?? 0) + 1;
  return counts;
}

function renderMap(nodes: readonly GraphNodeReport[], floatOps: readonly FloatOp[]): string {
  const legend = key([
    { sample: '<rect x="6" y="1" width="10" height="10" rx="2" class="int8"/>', text: "runs in int8" },
    { sample: '<path d="M11 0l6 6l-6 6l-6-6z" class="float"/>', text: "runs in float" },
    { sample: '<circle cx="11" cy="6" r="3.5" class="border"/>', text: "QuantizeLinear, DequantizeLinear" },
    { sample: '<path d="M0 6H22" class="edge"/>', text: "8-bit tensor" },
    { sample: '<path d="M0 6H22" class="edge float"/>', text: "float tensor" },
  ]);
  const map = renderGraphMap(nodes, { floatOps });
  return `<h3>Map of the graph</h3>\n${legend}\n<figure>${map}<figcaption>Top to bottom, then on in the next column; ` +
    `lines at the side lead to readers further down.</figcaption></figure>`;
}

function renderFloatTable(ops: readonly FloatOp[], islands: readonly IslandReport[]): string {
  const named = new Set(ops.map(({ layer }) => layer));
  const rows = [
    ...ops.map(({ op, layer, node, because }) => [layer || node, op, node, because]),
    ...islands.filter(({ layer }) => !named.has(layer)).map(({ layer, because }) => [layer, "", "", because]),
  ];
  if (rows.length === 0) return "";
  const columns = [
    { heading: "Layer", kind: "name" as const },
    { heading: "Operator" },
    { heading: "Node", kind: "name" as const },
    { heading: "Why it is in float" },
  ];
  return `<h3>Left in float</h3>\n${table(columns, rows.map((cells) => cells.map(escapeHtml)))}`;
}
