/** Operators of older opsets in the form of newer ones: one table, at the door. */
import type { Attr, Graph, Node, Tensor } from "../../../src/onnx/graph.ts";

/** What a node becomes, and the constants that it reads then. */
interface Upgraded {
  readonly node: Node;
  readonly constants?: Readonly<Record<string, Tensor>>;
}

/** Brings a node of `opset` to the newest form of its operator. */
type Upgrade = (node: Node, opset: number) => Upgraded;

/** Attributes that became inputs: their places, by the attribute's name. */
const BECAME_INPUTS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  Squeeze: { axes: 1 },
  Unsqueeze: { axes: 1 },
  ReduceSum: { axes: 1 },
  ReduceMean: { axes: 1 },
  ReduceMax: { axes: 1 },
  ReduceMin: { axes: 1 },
  ReduceProd: { axes: 1 },
  ReduceL1: { axes: 1 },
  ReduceL2: { axes: 1 },
  ReduceLogSum: { axes: 1 },
  ReduceLogSumExp: { axes: 1 },
  ReduceSumSquare: { axes: 1 },
  Slice: { starts: 1, ends: 2, axes: 3 },
  Pad: { pads: 1, value: 2 },
  Clip: { min: 1, max: 2 },
  Split: { split: 1 },
  Reshape: { shape: 1 },
  Tile: { repeats: 1 },
  TopK: { k: 1 },
};

const UPGRADES: Readonly<Record<string, Upgrade>> = {
  // Upsample, and Resize of opset 10, have scales alone, and coordinates that begin at the corner.
  Upsample: ({ attrs, inputs: [x, scales], ...node }) => {
    const given = attrs.scales;
    const name = scales ?? `${node.outputs[0]}_scales`;
    const constants = Array.isArray(given) ? { [name]: floats(given) } : {};
    const { mode = "nearest" } = attrs;
    return { node: { ...node, op: "Resize", inputs: [x, "", name], attrs: cornered(mode) }, constants };
  },
  Resize: (node, opset) => {
    if (opset >= 11) return { node };
    const { inputs: [x, scales], attrs: { mode = "nearest" } } = node;
    return { node: { ...node, inputs: [x, "", scales], attrs: cornered(mode) } };
  },
  Softmax: inRows,
  LogSoftmax: inRows,
  Hardmax: inRows,
  Scatter: (node) => ({ node: { ...node, op: "ScatterElements" } }),
};

/** Until opset 12 everything from the axis on is one row. */
function inRows(node: Node, opset: number): Upgraded {
  if (opset >= 13) return { node };
  return { node: { ...node, attrs: { ...node.attrs, axis: node.attrs.axis ?? 1, rows: 1 } } };
}

const cornered = (mode: Attr) => ({ mode, coordinate_transformation_mode: "asymmetric", nearest_mode: "simple" });

function floats(values: readonly (number | string)[]): Tensor {
  return { dtype: "float32", shape: [values.length], data: Float32Array.from(values, Number) };
}

/** Brings all nodes of a graph of `opset` of the default domain to the newest forms. */
export function upgrade(graph: Graph, opset: number): Graph {
  const initializers = new Map(graph.initializers);
  const nodes = graph.nodes.map((node) => {
    if (node.domain !== undefined) return node;
    const { node: upgraded, constants = {} } = (UPGRADES[node.op] ?? ((node: Node) => ({ node })))(node, opset);
    const { node: whole, constants: more } = withInputs(upgraded);
    for (const [name, tensor] of Object.entries({ ...constants, ...more })) initializers.set(name, tensor);
    return whole;
  });
  return { ...graph, nodes, initializers };
}

function withInputs(node: Node): Required<Upgraded> {
  const constants: Record<string, Tensor> = {};
  const inputs = [...node.inputs];
  const attrs = new Map(Object.entries(node.attrs));
  for (const [key, place] of Object.entries(BECAME_INPUTS[node.op] ?? {})) {
    const value = attrs.get(key);
    if (value === undefined || inputs[place]) continue;
    attrs.delete(key);
    const name = `${node.outputs[0]}_${key}`;
    while (inputs.length < place) inputs.push("");
    inputs[place] = name;
    constants[name] = tensorOf(value, node.op);
  }
  return { node: { ...node, inputs, attrs: Object.fromEntries(attrs) }, constants };
}

function tensorOf(value: Attr, op: string): Tensor {
  if (op === "Clip" || op === "Pad" && typeof value === "number") {
    return { dtype: "float32", shape: [], data: Float32Array.of(Number(value)) };
  }
  const list = Array.isArray(value) ? value : [value];
  return { dtype: "int64", shape: [list.length], data: BigInt64Array.from(list, (each) => BigInt(Number(each))) };
}
