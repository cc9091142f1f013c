/**
 * Appends to a detector's graph what makes boxes of its outputs, in float32: an output "boxes" [n, k, 4] and an output
 * "scores" [n, classes, k], in the place of the grids, as ONNX's NonMaxSuppression takes them. Each of the k anchors of all
 * cells has a box, whatever its score. Or, with that operator behind them, one output "detections" [n, most, 6]: left, top,
 * right, bottom, score and class of the surest boxes that overlap no surer one of their class too much, the surest first;
 * rows of score 0 are none.
 *
 *   x = (column + σ(tx) · reach − (reach − 1) / 2) · width of a cell,  w = anchor's width · e^tw, tw within ±8;  corners are kept in the picture
 *   score = σ(objectness) · σ(class), or · softmax(classes)
 */
import { codeOf } from "../../numbers/dtype.ts";
import type { Attrs, Dim, Graph } from "../../onnx/graph.ts";
import { GraphWriter } from "../../onnx/writer.ts";
import { definePass, type Pass } from "../pass.ts";

/** An output of a detector: [n, rows, columns, anchors · (5 + classes)]. */
export interface BoxGrid {
  /** The output's name. */
  readonly output: string;
  readonly rows: number;
  readonly columns: number;
  /** Widths and heights in pixels of the picture that goes in. */
  readonly anchors: readonly (readonly [width: number, height: number])[];
  /** Within how many widths of a cell, around its middle, its centres lie. Default 1. */
  readonly reach?: number;
}

/** How boxes are made. */
export interface AppendBoxesOptions {
  /** How classes are told apart: each by itself, or one of all by softmax. */
  readonly kind: "yolov3" | "region";
  /** The outputs that give boxes. */
  readonly grids: readonly BoxGrid[];
  /** How many classes there are. */
  readonly classes: number;
  /** Sides of the picture that goes in, in pixels: what boxes are in. */
  readonly input: readonly [height: number, width: number];
  /** Which boxes are told; absent: all of them are. */
  readonly suppress?: SuppressOptions;
}

/** Which boxes are told. */
export interface SuppressOptions {
  /** Boxes that are not surer are left out. */
  readonly scoreThreshold: number;
  /** A box that overlaps a surer one of its class by more than this IoU is left out. */
  readonly nmsIou: number;
  /** Boxes of a class that are kept at the most. Default 100. */
  readonly mostOfClass?: number;
  /** Boxes of a picture that are told at the most. Default 300. */
  readonly most?: number;
}

/** Names of the outputs that there are then. */
export const BOX_OUTPUTS = { boxes: "boxes", scores: "scores", detections: "detections" } as const;

/** The largest tw and th that are told apart. */
const MOST_LOG_SIZE = 8;

/** Makes boxes of the outputs of `options.grids`; outputs besides them stay. */
export function appendBoxes(options: AppendBoxesOptions): Pass {
  return definePass({ name: "appendBoxes", rewrite: (graph) => append(graph, options) });
}

function append(graph: Graph, options: AppendBoxesOptions): Graph {
  const { grids, classes } = options;
  const out = new Writing(graph);
  const made = grids.map((grid) => writeGrid(out, grid, options));
  const all = grids.reduce((sum, grid) => sum + anchorsOf(grid), 0);
  const n = graph.types.get(grids[0].output)!.shape[0];
  const [boxes, scores] = [BOX_OUTPUTS.boxes, BOX_OUTPUTS.scores].map((name) => out.writer.fresh(name));
  out.node("Concat", made.map(({ boxes }) => boxes), { shape: [n, all, 4], attrs: { axis: 1 }, output: boxes });
  out.node("Concat", made.map(({ scores }) => scores), {
    shape: [n, classes, all],
    attrs: { axis: 2 },
    output: scores,
  });
  const { suppress } = options;
  const told = suppress === undefined
    ? [boxes, scores]
    : [writeSuppression(out, { boxes, scores }, { ...suppress, shape: [n, classes, all] })];
  const read = new Set(grids.map(({ output }) => output));
  return {
    ...out.writer.finish(),
    outputs: [...told, ...graph.outputs.filter((name) => !read.has(name))],
  };
}

/**
 * Appends the suppression, and what makes rows of a number that is known beforehand of it.
 *
 * The kept scores go back to their places among zeros, where the surest are looked for, picture by picture: so nothing but
 * the list of NonMaxSuppression has a length that depends on the picture.
 */
function writeSuppression(
  out: Writing,
  { boxes, scores }: { readonly boxes: string; readonly scores: string },
  { scoreThreshold, nmsIou, mostOfClass = 100, most = 300, shape }: SuppressOptions & {
    /** Of the scores. */
    readonly shape: readonly [n: Dim, classes: number, anchors: number];
  },
): string {
  const [n, classes, anchors] = shape;
  const { detections } = BOX_OUTPUTS;
  const rows = Math.min(most, classes * anchors);
  const integers = (name: string, values: readonly number[], dims: readonly number[] = [values.length]) =>
    out.writer.constant(`${detections}/${name}`, "int64", dims, BigInt64Array.from(values, BigInt));
  const limits = ["iou", "least"].map((name, i) =>
    out.constant(`${detections}/${name}`, [], [[nmsIou, scoreThreshold][i]])
  );
  const kept = out.node("NonMaxSuppression", [boxes, scores, integers("most", [mostOfClass]), ...limits], {
    dtype: "int64",
    shape: ["kept", 3],
  });
  const sure = out.node("GatherND", [scores, kept], { shape: ["kept"] });
  const size = out.node("Shape", [scores], { dtype: "int64", shape: [3] });
  const none = out.node("ConstantOfShape", [size], { shape });
  const left = out.node("ScatterND", [none, kept, sure], { shape });
  const flat = out.node("Reshape", [left, integers("flat", [0, classes * anchors])], { shape: [n, classes * anchors] });
  const [score, place] = out.topK(flat, { count: integers("rows", [rows]), shape: [n, rows] });
  const indices = { dtype: "int64", shape: [n, rows] } as const;
  const count = integers("anchors", [anchors], []);
  const [label, anchor] = ["Div", "Mod"].map((op) => out.node(op, [place, count], indices));
  const last = integers("last", [2]);
  const column = (name: string, dtype: "float32" | "int64" = "float32") =>
    out.node("Unsqueeze", [name, last], { dtype, shape: [n, rows, 1] });
  const corners = out.node("GatherND", [boxes, column(anchor, "int64")], {
    shape: [n, rows, 4],
    attrs: { batch_dims: 1 },
  });
  const named = out.node("Cast", [label], { shape: [n, rows], attrs: { to: codeOf("float32") } });
  return out.node("Concat", [corners, column(score), column(named)], {
    shape: [n, rows, 6],
    attrs: { axis: 2 },
    output: out.writer.fresh(detections),
  });
}

function anchorsOf({ rows, columns, anchors }: BoxGrid): number {
  return rows * columns * anchors.length;
}

/** Writes nodes behind a graph's own. */
class Writing {
  readonly writer: GraphWriter;

  constructor(graph: Graph) {
    this.writer = new GraphWriter(graph);
    for (const node of graph.nodes) this.writer.push(node);
  }

  /** Appends a node of one output of `shape`, and returns the output's name. */
  node(op: string, inputs: readonly string[], { dtype = "float32", shape, attrs = {}, output }: {
    readonly dtype?: "float32" | "int64";
    readonly shape: readonly Dim[];
    readonly attrs?: Attrs;
    readonly output?: string;
  }): string {
    const name = output ?? this.writer.fresh(`${inputs[0]}/${op}`);
    this.writer.types.set(name, { dtype, shape });
    this.writer.push({ op, name: this.writer.fresh(`${name}_node`), inputs, outputs: [name], attrs });
    return name;
  }

  /** Appends a node that cuts `input` along its last dimension. */
  split(input: string, widths: readonly number[], shape: readonly Dim[]): readonly string[] {
    const sizes = this.writer.constant(`${input}/widths`, "int64", [widths.length], BigInt64Array.from(widths, BigInt));
    const outputs = widths.map((width, i) => {
      const name = this.writer.fresh(`${input}/part${i}`);
      this.writer.types.set(name, { dtype: "float32", shape: [...shape.slice(0, -1), width] });
      return name;
    });
    const name = this.writer.fresh(`${input}/Split`);
    this.writer.push({ op: "Split", name, inputs: [input, sizes], outputs, attrs: { axis: shape.length - 1 } });
    return outputs;
  }

  /** Appends a node that finds the largest of the last dimension of `input`: what they are, and where. */
  topK(
    input: string,
    { count, shape }: { readonly count: string; readonly shape: readonly Dim[] },
  ): readonly [values: string, places: string] {
    const [values, places] = ["values", "places"].map((part) => this.writer.fresh(`${input}/${part}`));
    this.writer.types.set(values, { dtype: "float32", shape });
    this.writer.types.set(places, { dtype: "int64", shape });
    const name = this.writer.fresh(`${input}/TopK`);
    this.writer.push({ op: "TopK", name, inputs: [input, count], outputs: [values, places], attrs: { axis: 1 } });
    return [values, places];
  }

  constant(name: string, shape: readonly number[], values: readonly number[]): string {
    return this.writer.constant(name, "float32", shape, Float32Array.from(values));
  }
}

function writeGrid(
  out: Writing,
  grid: BoxGrid,
  { kind, classes, input: [height, width] }: AppendBoxesOptions,
): { readonly boxes: string; readonly scores: string } {
  const { output, rows, columns } = grid;
  const count = anchorsOf(grid);
  const n = out.writer.types.get(output)!.shape[0];
  const numbers = 5 + classes;
  const shape = out.writer.constant(`${output}/shape`, "int64", [3], BigInt64Array.from([0, count, numbers], BigInt));
  const each = out.node("Reshape", [output, shape], { shape: [n, count, numbers] });
  const [centre, size, objectness, classified] = out.split(each, [2, 2, 1, classes], [n, count, numbers]);
  const places = eachAnchor(grid, ([, , column, row]) => [column, row]);
  const sizes = eachAnchor(grid, ([w, h]) => [w, h]);
  const pair = { shape: [n, count, 2] };
  const { reach = 1 } = grid;
  const inCell = out.node("Sigmoid", [centre], pair);
  const reached = reach === 1 ? inCell : out.node("Mul", [inCell, out.constant(`${output}/reach`, [], [reach])], pair);
  const cells = out.constant(`${output}/cells`, [count, 2], places.map((place) => place - (reach - 1) / 2));
  const middle = out.node("Mul", [
    out.node("Add", [reached, cells], pair),
    out.constant(`${output}/cell`, [2], [width / columns, height / rows]),
  ], pair);
  const bounds = [-MOST_LOG_SIZE, MOST_LOG_SIZE].map((bound, i) => out.constant(`${output}/bound${i}`, [], [bound]));
  const sides = out.node("Mul", [
    out.node("Exp", [out.node("Clip", [size, ...bounds], pair)], pair),
    // From the middle to the edge.
    out.constant(`${output}/halves`, [count, 2], sizes.map((side) => side / 2)),
  ], pair);
  const within = (corner: string) =>
    out.node("Min", [
      out.node("Max", [corner, out.constant(`${output}/origin`, [2], [0, 0])], pair),
      out.constant(`${output}/picture`, [2], [width, height]),
    ], pair);
  const corners = ["Sub", "Add"].map((op) => within(out.node(op, [middle, sides], pair)));
  const sure = out.node("Sigmoid", [objectness], { shape: [n, count, 1] });
  const rated = { shape: [n, count, classes] };
  const shares = kind === "yolov3"
    ? out.node("Sigmoid", [classified], rated)
    : out.node("Softmax", [classified], { ...rated, attrs: { axis: 2 } });
  return {
    boxes: out.node("Concat", corners, { shape: [n, count, 4], attrs: { axis: 2 } }),
    scores: out.node("Transpose", [out.node("Mul", [shares, sure], rated)], {
      shape: [n, classes, count],
      attrs: { perm: [0, 2, 1] },
    }),
  };
}

/** Lists numbers of all anchors, in the order of the output. */
function eachAnchor(
  { rows, columns, anchors }: BoxGrid,
  of: (anchor: readonly [width: number, height: number, column: number, row: number]) => readonly number[],
): readonly number[] {
  return Array.from(
    { length: rows * columns },
    (_, cell) => anchors.flatMap(([w, h]) => of([w, h, cell % columns, Math.floor(cell / columns)])),
  ).flat();
}
