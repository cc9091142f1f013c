/** Graphs that break the rules of ONNX, each one of them. */
import { act, dense, dequantize, f, legal, node, quantize, tensor } from "../_test_graph.ts";
import type { Rule } from "./problem.ts";
import type { Graph, Node, Tensor, ValueType } from "../graph.ts";

function withNodes(...nodes: readonly Node[]): Graph {
  return { ...legal, nodes };
}

function withTypes(...entries: readonly (readonly [string, ValueType])[]): Graph {
  return { ...legal, types: new Map([...legal.types, ...entries]) };
}

function withTensors(...entries: readonly (readonly [string, Tensor])[]): Graph {
  return { ...legal, initializers: new Map([...legal.initializers, ...entries]) };
}

/** x → Gemm → BatchNormalization with these attributes. */
export function normalized(attrs: Node["attrs"]): Graph {
  const parameters = ["scale3", "offset3", "mean3", "variance3"];
  const norm = node("BatchNormalization", "norm", [["h", ...parameters], ["a"]], { attrs });
  const graph = withTensors(...parameters.map((name) => [name, tensor([3], 1, 1, 1)] as const));
  return { ...graph, nodes: [dense, norm, quantize, dequantize] };
}

/** A graph that breaks a rule. */
export interface Broken {
  readonly breaks: Rule;
  readonly how: string;
  readonly graph: Graph;
  readonly where: RegExp;
  readonly message: RegExp;
  readonly opset?: number;
  /**
   * Whether ONNX Runtime refuses the file too: "refused"; "loaded" where it does not look; "unwritable" where
   * encodeModel() will not write such a file.
   */
  readonly runtime: "refused" | "loaded" | "unwritable";
}

/** For every rule, graphs that break it and, as far as rules are independent, no other. */
export const broken: readonly Broken[] = [
  {
    breaks: "opset",
    how: "an attribute is newer than the opset",
    graph: normalized({ training_mode: 0 }),
    opset: 13,
    where: /^node "norm"$/,
    message: /BatchNormalization needs opset 14, the graph has 13/,
    runtime: "refused",
  },
  {
    breaks: "opset",
    how: "an operator is newer than the opset",
    graph: withNodes(dense, node("HardSwish", "act", [["h"], ["a"]]), quantize, dequantize),
    opset: 13,
    where: /^node "act"$/,
    message: /HardSwish needs opset 14, the graph has 13/,
    runtime: "refused",
  },
  {
    breaks: "opset",
    how: "the opset is newer than the schemas",
    graph: legal,
    opset: 18,
    where: /^graph "net"$/,
    message: /opset 18 is newer/,
    runtime: "loaded",
  },
  {
    breaks: "domain",
    how: "the domain is unknown",
    graph: withNodes(dense, { ...act, domain: "elsewhere" }, quantize, dequantize),
    where: /^node "act"$/,
    message: /its domain is "elsewhere"/,
    runtime: "refused",
  },
  {
    breaks: "operator",
    how: "no operator has the name",
    graph: withNodes(dense, { ...act, op: "ReLU" }, quantize, dequantize),
    where: /^node "act"$/,
    message: /no schema describes ReLU of domain ""$/,
    runtime: "refused",
  },
  {
    breaks: "operator",
    how: "the operator is another domain's",
    graph: withNodes(dense, { ...act, op: "Gelu" }, quantize, dequantize),
    where: /^node "act"$/,
    message: /domain "com.microsoft" has one/,
    runtime: "refused",
  },
  {
    breaks: "arity",
    how: "there are too many inputs",
    graph: withNodes(dense, { ...act, inputs: ["h", "h"] }, quantize, dequantize),
    where: /^node "act"$/,
    message: /Relu has 2 inputs, needed are 1 to 1/,
    runtime: "refused",
  },
  {
    breaks: "arity",
    how: "there are too many outputs",
    graph: {
      ...withTypes(["extra", f("batch", 3)]),
      nodes: [dense, { ...act, outputs: ["a", "extra"] }, quantize, dequantize],
    },
    where: /^node "act"$/,
    message: /Relu has 2 outputs/,
    runtime: "refused",
  },
  {
    breaks: "attribute",
    how: "the operator has no such attribute",
    graph: withNodes(dense, { ...act, attrs: { alpha: 1 } }, quantize, dequantize),
    where: /^node "act"$/,
    message: /Relu has no attribute "alpha"/,
    runtime: "refused",
  },
  {
    breaks: "attribute",
    how: "an attribute is of another kind",
    graph: withNodes({ ...dense, attrs: { alpha: "1" } }, act, quantize, dequantize),
    where: /^node "dense"$/,
    message: /"alpha" of Gemm is "1", needed is float/,
    runtime: "unwritable",
  },
  {
    breaks: "node name",
    how: "two nodes share a name",
    graph: withNodes(dense, { ...act, name: "dense" }, quantize, dequantize),
    where: /^node "dense"$/,
    message: /another node has its name/,
    runtime: "refused",
  },
  {
    breaks: "node name",
    how: "a node has no name",
    graph: withNodes(dense, { ...act, name: "" }, quantize, dequantize),
    where: /^a node of Relu$/,
    message: /no name/,
    runtime: "loaded",
  },
  {
    breaks: "value name",
    how: "an initializer has no name",
    graph: withTensors(["", tensor([], 1)]),
    where: /^graph "net"$/,
    message: /no name/,
    runtime: "loaded",
  },
  {
    breaks: "single assignment",
    how: "two nodes define a value",
    graph: withNodes(dense, act, node("Neg", "again", [["h"], ["a"]]), quantize, dequantize),
    where: /^value "a"$/,
    message: /both node "act" and node "again" define it/,
    runtime: "refused",
  },
  {
    breaks: "single assignment",
    how: "a node defines a graph input",
    graph: {
      ...legal,
      inputs: ["x", "h"],
    },
    where: /^value "h"$/,
    message: /both a graph input and node "dense" define it/,
    runtime: "refused",
  },
  {
    breaks: "single assignment",
    how: "a node defines an initializer",
    graph: {
      ...withTypes(["scale", f("batch", 2)]),
      nodes: [...legal.nodes, node("Neg", "again", [["x"], ["scale"]])],
    },
    where: /^value "scale"$/,
    message: /both an initializer and node "again" define it/,
    runtime: "refused",
  },
  {
    breaks: "defined",
    how: "a node reads what nothing defines",
    graph: withNodes(dense, { ...act, inputs: ["nowhere"] }, quantize, dequantize),
    where: /^node "act"$/,
    message: /reads "nowhere", which nothing defines/,
    runtime: "refused",
  },
  {
    breaks: "order",
    how: "a node stands before what it reads",
    graph: withNodes(dense, quantize, act, dequantize),
    where: /^node "quantize"$/,
    message: /reads "a" before that is computed/,
    runtime: "loaded",
  },
  {
    breaks: "cycle",
    how: "nodes read each other",
    graph: withNodes(
      dense,
      node("Add", "act", [["h", "b"], ["a"]]),
      node("Neg", "back", [["a"], ["b"]]),
      quantize,
      dequantize,
    ),
    where: /^graph "net"$/,
    message: /"act", "back" read each other/,
    runtime: "refused",
  },
  {
    breaks: "output",
    how: "an output is not defined",
    graph: { ...withTypes(["z", f("batch", 3)]), outputs: ["y", "z"] },
    where: /^graph "net"$/,
    message: /output "z" is not defined/,
    runtime: "refused",
  },
  {
    breaks: "output",
    how: "an output is named twice",
    graph: { ...legal, outputs: ["y", "y"] },
    where: /^graph "net"$/,
    message: /one output twice/,
    runtime: "loaded",
  },
  {
    breaks: "output",
    how: "there is none",
    graph: { ...legal, outputs: [] },
    where: /^graph "net"$/,
    message: /no output/,
    runtime: "loaded",
  },
  {
    breaks: "declared type",
    how: "a value between nodes has no type",
    graph: { ...legal, types: new Map([...legal.types].filter(([name]) => name !== "h")) },
    where: /^value "h"$/,
    message: /not declared/,
    runtime: "loaded",
  },
  {
    breaks: "declared type",
    how: "a dimension is negative",
    graph: { ...withTypes(["extra", f("batch", -1)]), inputs: ["x", "extra"] },
    where: /^value "extra"$/,
    message: /its shape is \[batch,-1\]/,
    runtime: "loaded",
  },
  {
    breaks: "inferred type",
    how: "another shape is declared",
    graph: withTypes(
      ["h", f("batch", 4)],
      ["a", f("batch", 4)],
      ["q", { dtype: "uint8", shape: ["batch", 4] }],
      ["y", f("batch", 4)],
    ),
    where: /^node "dense"$/,
    message: /computes "h" as float32\[batch,3\], declared is float32\[batch,4\]/,
    runtime: "loaded",
  },
  {
    breaks: "inferred type",
    how: "another element type is declared",
    graph: withTypes(["y", { dtype: "float64", shape: ["batch", 3] }]),
    where: /^node "dequantize"$/,
    message: /computes "y" as float32\[batch,3\], declared is float64/,
    runtime: "refused",
  },
  {
    breaks: "inferred type",
    how: "the batch is baked into a shape",
    graph: {
      ...withTensors(["shape", { dtype: "int64", shape: [2], data: BigInt64Array.of(1n, 3n) }]),
      nodes: [dense, node("Reshape", "act", [["h", "shape"], ["a"]]), quantize, dequantize],
    },
    where: /^node "act"$/,
    message: /of \(float32\[batch,3\], int64\[2\]\): .* do not fit the shape \[1,3\]/,
    runtime: "loaded",
  },
  {
    breaks: "inferred type",
    how: "inputs do not fit each other",
    graph: withTensors(["w", tensor([3, 3], ...new Array(9).fill(1))]),
    where: /^node "dense"$/,
    message: /inner dimensions 2 and 3 differ/,
    runtime: "refused",
  },
  {
    breaks: "inferred type",
    how: "inputs have different element types",
    graph: withNodes(dense, node("Add", "act", [["h", "zero"], ["a"]]), quantize, dequantize),
    where: /^node "act"$/,
    message: /float32, uint8 differ/,
    runtime: "refused",
  },
  {
    breaks: "inferred type",
    how: "a zero point has another type than the codes",
    graph: {
      ...withTensors(["other", { dtype: "int8", shape: [], data: Int8Array.of(3) }]),
      nodes: [dense, act, quantize, { ...dequantize, inputs: ["q", "scale", "other"] }],
    },
    where: /^node "dequantize"$/,
    message: /input 2 is int8, which is not one of uint8/,
    runtime: "refused",
  },
  {
    breaks: "inferred type",
    how: "there are not as many scales as channels",
    graph: {
      ...withTensors(["scales", tensor([2], 1, 1)], ["zeros", { dtype: "uint8", shape: [2], data: new Uint8Array(2) }]),
      nodes: [dense, act, { ...quantize, inputs: ["a", "scales", "zeros"], attrs: { axis: 1 } }, dequantize],
    },
    where: /^node "quantize"$/,
    message: /the scale has shape \[2\], needed is \[3\]/,
    runtime: "loaded",
  },
  {
    breaks: "inferred type",
    how: "the axis of the scales is out of range",
    graph: {
      ...withTensors(["scales", tensor([3], 1, 1, 1)], ["zeros", {
        dtype: "uint8",
        shape: [3],
        data: new Uint8Array(3),
      }]),
      nodes: [dense, act, { ...quantize, inputs: ["a", "scales", "zeros"], attrs: { axis: 2 } }, dequantize],
    },
    where: /^node "quantize"$/,
    message: /axis 2 is outside \[-2, 2\)/,
    runtime: "loaded",
  },
  {
    breaks: "elements",
    how: "an initializer has too few elements",
    graph: withTensors(["w", tensor([2, 3], 1, 2, 3)]),
    where: /^initializer "w"$/,
    message: /has 3 elements, its shape \[2,3\] has 6/,
    runtime: "unwritable",
  },
  {
    breaks: "elements",
    how: "an initializer's array is of another type",
    graph: withTensors(["zero", { dtype: "uint8", shape: [], data: Int8Array.of(3) }]),
    where: /^initializer "zero"$/,
    message: /it is uint8, held by a Int8Array/,
    runtime: "loaded",
  },
  {
    breaks: "finite",
    how: "an initializer has a NaN",
    graph: withTensors(["w", tensor([2, 3], 1, 2, NaN, 4, 5, 6)]),
    where: /^initializer "w"$/,
    message: /element 2 is NaN or infinite/,
    runtime: "loaded",
  },
  {
    breaks: "scale",
    how: "a scale is 0",
    graph: withTensors(["scale", tensor([], 0)]),
    where: /^node "(de)?quantize"$/,
    message: /scale "scale" is not greater than 0/,
    runtime: "loaded",
  },
  {
    breaks: "bias zero point",
    how: "an int32 zero point is not 0",
    graph: {
      ...withTensors(
        ["b", { dtype: "int32", shape: [3], data: Int32Array.of(1, 2, 3) }],
        ["bz", { dtype: "int32", shape: [], data: Int32Array.of(7) }],
      ),
      nodes: [
        node("DequantizeLinear", "bias", [["b", "scale", "bz"], ["bias"]]),
        { ...dense, inputs: ["x", "w", "bias"] },
        act,
        quantize,
        dequantize,
      ],
      types: new Map([...legal.types, ["bias", f(3)]]),
    },
    where: /^node "bias"$/,
    message: /zero point "bz" is int32 and not 0/,
    runtime: "loaded",
  },
];
