/** Parts of graphs of one operator each. */
import type { GraphWriter } from "./_test_graph.ts";

/** A graph whose last node is called "y". */
export interface OperatorCase {
  readonly op: string;
  /** What is special of it. */
  readonly what?: string;
  /** Of "x", the batch first. */
  readonly shape?: readonly number[];
  readonly write: (graph: GraphWriter, x: string) => void;
  /** What the values of "x" are drawn between. Default: -1 and 1. */
  readonly between?: readonly [number, number];
}

type Attrs = Readonly<Record<string, unknown>>;

/** Attributes, as tfjs-converter writes them. */
export const FLOAT = { T: { type: "DT_FLOAT" } } as const;
/** A whole number. */
export const whole = (value: number) => ({ i: String(value) });
/** True or false. */
export const flag = (b: boolean) => ({ b });
/** A text. */
export const text = (value: string) => ({ s: btoa(value) });
/** Whole numbers. */
export const wholes = (...values: readonly number[]) => ({ list: { i: values.map(String) } });

const PICTURE = [-1, 6, 8, 4] as const;
/** A row. */
export const ROW = [-1, 6] as const;

/** One value. */
export const unary = (op: string, between?: readonly [number, number], attr: Attrs = {}): OperatorCase => ({
  op,
  ...(between === undefined ? {} : { between }),
  write: (graph, x) => void graph.add(op, "y", [x], { ...FLOAT, ...attr }),
});

/** Two values, a value and a constant, a constant and a value. */
export const binary = (op: string, between: readonly [number, number] = [0.5, 2]): readonly OperatorCase[] => [
  { op, what: "values", between, write: (graph, x) => void graph.add(op, "y", [x, graph.add("Tanh", "other", [x])]) },
  {
    op,
    what: "a constant",
    between,
    write: (graph, x) => void graph.add(op, "y", [x, graph.real("c", [4], [0.5, 1, 1.5, 2])]),
  },
  {
    op,
    what: "of a constant",
    between,
    write: (graph, x) => void graph.add(op, "y", [graph.real("c", [4], [0.5, 1, 1.5, 2]), x]),
  },
];

/** Comparisons give booleans, which are selected by. */
export const compared = (op: string): OperatorCase => ({
  op,
  write: (graph, x) => {
    const mask = graph.add(op, "mask", [x, graph.add("Square", "other", [x])]);
    graph.add("SelectV2", "y", [mask, x, graph.real("c", [], [3])]);
  },
});

export const logical = (op: string): OperatorCase => ({
  op,
  write: (graph, x) => {
    const above = graph.add("Greater", "above", [x, graph.real("low", [], [-0.5])]);
    const below = graph.add("Less", "below", [x, graph.real("high", [], [0.5])]);
    const mask = graph.add(op, "mask", op === "LogicalNot" ? [above] : [above, below]);
    graph.add("Cast", "y", [mask], { SrcT: { type: "DT_BOOL" }, DstT: { type: "DT_FLOAT" } });
  },
});

/** A reduction. */
export const reduced = (op: string, axes: readonly number[], keeps: boolean): OperatorCase => ({
  op,
  what: `over ${axes}${keeps ? ", kept" : ""}`,
  write: (graph, x) => void graph.add(op, "y", [x, graph.whole("axes", ...axes)], { ...FLOAT, keep_dims: flag(keeps) }),
});

/** Of what has windows. */
export const WINDOWS: Attrs = { ...FLOAT, data_format: text("NHWC"), dilations: wholes(1, 1, 1, 1) };

/** A convolution. */
export const conv = (op: string, kernel: readonly number[], attr: Attrs, what: string): OperatorCase => ({
  op,
  what,
  shape: PICTURE,
  write: (graph, x) => void graph.add(op, "y", [x, graph.real("k", kernel)], { ...WINDOWS, ...attr }),
});

/** A pool. */
export const pool = (op: string, size: number, stride: number, padding: string): OperatorCase => ({
  op,
  what: `${size}, ${stride}, ${padding}`,
  write: (graph, x) =>
    void graph.add(op, "y", [x], {
      ...WINDOWS,
      ksize: wholes(1, size, size, 1),
      strides: wholes(1, stride, stride, 1),
      padding: text(padding),
    }),
});

/** A picture of another size. */
export const resized = (
  op: string,
  corners: boolean,
  half: boolean,
  size: readonly [number, number],
): OperatorCase => ({
  op,
  what: `to ${size}${corners ? ", corners" : ""}${half ? ", half pixels" : ""}`,
  write: (graph, x) =>
    void graph.add(op, "y", [x, graph.whole("size", ...size)], {
      ...FLOAT,
      align_corners: flag(corners),
      half_pixel_centers: flag(half),
    }),
});

/** A part by masks. */
export const strided = (
  what: string,
  lists: Readonly<Record<"begin" | "end" | "strides", readonly number[]>>,
  masks: Attrs = {},
) => ({
  op: "StridedSlice",
  what,
  write: (graph: GraphWriter, x: string) => {
    const inputs = [x, ...(["begin", "end", "strides"] as const).map((name) => graph.whole(name, ...lists[name]))];
    const none = ["begin", "end", "ellipsis", "new_axis", "shrink_axis"].map((name) => [`${name}_mask`, whole(0)]);
    graph.add("StridedSlice", "y", inputs, { ...FLOAT, ...Object.fromEntries(none), ...masks });
  },
});

/** Adds numbers of elements to pad with, before and behind each axis. */
export function pads(graph: GraphWriter, values: readonly number[]): string {
  return graph.table("paddings", [values.length / 2, 2], values);
}
