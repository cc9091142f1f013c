/**
 * Lays a graph out as columns of rows.
 *
 * Nodes stand in topological order, one a row. A value read by the next row is a straight line; one read further down
 * (a skip connection) leaves its row sideways and runs down a lane of its own to its readers, as branches do in a
 * drawing of a version history. Long graphs go on in another column: columns are cut where the fewest values are alive,
 * and begin with a row for each of these ("ports"). That any directed acyclic graph fits needs no further care.
 */
import type { GraphNodeReport } from "../schema.ts";

/** A row: a node, or the name of a value that comes from an earlier column or from outside the graph. */
export type Row = { readonly kind: "node"; readonly node: GraphNodeReport } | {
  readonly kind: "port";
  readonly name: string;
  /** Whether the value is an input of the graph. */
  readonly input: boolean;
};

/** A value on its way down a column. */
export interface Edge {
  /** Row that it comes from. */
  readonly from: number;
  /** Rows that read it, ascending; the number of rows if it leaves the column at the bottom. */
  readonly to: readonly number[];
  /** 0 for the straight line to the next row; from 1 counted away from it. */
  readonly lane: number;
  /** Whether the value is a float tensor. */
  readonly float: boolean;
}

/** A column of the drawing. */
export interface Column {
  readonly rows: readonly Row[];
  readonly edges: readonly Edge[];
  /** The greatest lane in use. */
  readonly lanes: number;
}

/** Lays out `nodes` in at most `columns` columns; a short graph gets fewer. */
export function layOutGraph(nodes: readonly GraphNodeReport[], { columns }: { columns: number }): readonly Column[] {
  const sorted = sortTopologically(nodes);
  const cuts = chooseCuts(sorted, columns);
  const isNode = new Set(sorted.map(({ name }) => name));
  const producers = new Map(sorted.map((node) => [node.name, node]));
  return cuts.slice(0, -1).map((start, i) => {
    const end = cuts[i + 1];
    const own = sorted.slice(start, end);
    const ownNames = new Set(own.map(({ name }) => name));
    const outside = unique(own.flatMap(({ inputs }) => inputs.filter((name) => !ownNames.has(name))));
    const passing = liveAt(sorted, start).filter((name) =>
      !outside.includes(name) && liveAt(sorted, end).includes(name)
    );
    const rows: Row[] = [
      ...[...passing, ...outside].map((name): Row => ({ kind: "port", name, input: !isNode.has(name) })),
      ...own.map((node): Row => ({ kind: "node", node })),
    ];
    const isFloat = (name: string) => isFloatValue(producers.get(name));
    return { rows, ...drawEdges(rows, { leaving: new Set(liveAt(sorted, end)), isFloat }) };
  });
}

/** Sorts so that a node follows what it reads, and else keeps the given order; what is part of a cycle comes last. */
export function sortTopologically(nodes: readonly GraphNodeReport[]): readonly GraphNodeReport[] {
  const waiting = new Set(nodes.map(({ name }) => name));
  const sorted: GraphNodeReport[] = [];
  let rest = nodes;
  while (rest.length > 0) {
    const before = sorted.length;
    rest = rest.filter((node) => {
      if (node.inputs.some((name) => waiting.has(name))) return true;
      waiting.delete(node.name);
      sorted.push(node);
      return false;
    });
    if (sorted.length === before) return [...sorted, ...rest];
  }
  return sorted;
}

/** Names of values that are made before row `at` and read from there on. */
function liveAt(sorted: readonly GraphNodeReport[], at: number): readonly string[] {
  const before = new Set(sorted.slice(0, at).map(({ name }) => name));
  return unique(sorted.slice(at).flatMap(({ inputs }) => inputs.filter((name) => before.has(name))));
}

/** Chooses where columns begin: near equal parts, moved by up to a quarter of one to where fewest values are alive. */
function chooseCuts(sorted: readonly GraphNodeReport[], columns: number): readonly number[] {
  const count = Math.max(1, Math.min(columns, Math.floor(sorted.length / MIN_ROWS)));
  const rows = sorted.length / count;
  const slack = Math.floor(rows / 4);
  const cuts = [0];
  for (let column = 1; column < count; column++) {
    const ideal = Math.round(column * rows);
    let best = ideal;
    for (let distance = 0; distance <= slack; distance++) {
      for (const at of [ideal - distance, ideal + distance]) {
        if (at > cuts[cuts.length - 1] && liveAt(sorted, at).length < liveAt(sorted, best).length) best = at;
      }
    }
    cuts.push(best);
  }
  return [...cuts, sorted.length];
}

/** A column with fewer rows is not worth the eye's way back to the top. */
const MIN_ROWS = 7;

function drawEdges(
  rows: readonly Row[],
  { leaving, isFloat }: { leaving: ReadonlySet<string>; isFloat: (name: string) => boolean },
): { edges: readonly Edge[]; lanes: number } {
  const edges: Edge[] = [];
  const busyUntil: number[] = []; // by lane - 1: the row where its last edge ends
  rows.forEach((row, from) => {
    const name = nameOf(row);
    const readers = rows.flatMap((other, i) => other.kind === "node" && other.node.inputs.includes(name) ? [i] : []);
    const to = (leaving.has(name) ? [...readers, rows.length] : readers).filter((reader) => reader > from);
    const float = isFloat(name);
    if (to.includes(from + 1)) edges.push({ from, to: [from + 1], lane: 0, float });
    const far = to.filter((reader) => reader > from + 1);
    if (far.length === 0) return;
    const free = busyUntil.findIndex((until) => until <= from);
    const lane = free < 0 ? busyUntil.length : free;
    busyUntil[lane] = far[far.length - 1];
    edges.push({ from, to: far, lane: lane + 1, float });
  });
  return { edges, lanes: busyUntil.length };
}

/** Tells whether a value is a float tensor; those from outside the graph are taken to be. */
function isFloatValue(node: GraphNodeReport | undefined): boolean {
  if (node === undefined || node.op === "DequantizeLinear") return true;
  return node.op !== "QuantizeLinear" && !node.int8;
}

/** Returns the name of the value that a row makes. */
export function nameOf(row: Row): string {
  return row.kind === "node" ? row.node.name : row.name;
}

function unique(names: readonly string[]): readonly string[] {
  return [...new Set(names)];
}
