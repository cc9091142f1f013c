/** Graphs as text, for people and for tests. */
import type { Attr, Graph, Node, Tensor, ValueType } from "./graph.ts";

/** Elements of an initializer that are shown. */
const SHOWN_ELEMENTS = 8;

/**
 * Returns a readable listing of `graph`: inputs, initializers with their first elements, nodes and outputs.
 *
 * A node reads `%result: type = Op[attributes](%input, -)  # name (layer)`; "-" is an optional input left out.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { printGraph } from "./text.ts";
 *
 * const type = { dtype: "float32", shape: ["batch", 2] } as const;
 * const text = printGraph({
 *   name: "net",
 *   inputs: ["x"],
 *   outputs: ["y"],
 *   initializers: new Map(),
 *   nodes: [{ op: "LeakyRelu", name: "act", inputs: ["x"], outputs: ["y"], attrs: { alpha: 0.5 }, layer: "conv" }],
 *   types: new Map([["x", type], ["y", type]]),
 * });
 * assert.equal(
 *   text,
 *   `graph "net"
 * in  %x: float32[batch,2]
 *     %y: float32[batch,2] = LeakyRelu[alpha=0.5](%x)  # act (conv)
 * out %y
 * `,
 * );
 * ```
 */
export function printGraph(graph: Graph): string {
  const lines = [
    `graph ${JSON.stringify(graph.name)}`,
    ...graph.inputs.map((name) => `in  ${typed(name, graph.types.get(name))}`),
    ...[...graph.initializers].map(([name, tensor]) => `    ${typed(name, tensor)} = ${elementsOf(tensor)}`),
    ...graph.nodes.map((node) => `    ${printNode(node, graph.types)}`),
    `out ${graph.outputs.map((name) => `%${name}`).join(", ")}`,
  ];
  return lines.join("\n") + "\n";
}

/** Returns one node's line of `printGraph`. */
export function printNode(node: Node, types: Graph["types"] = new Map()): string {
  const results = node.outputs.map((name) => name === "" ? "-" : typed(name, types.get(name))).join(", ");
  const domain = node.domain === undefined ? "" : `${node.domain}.`;
  const attrs = Object.entries(node.attrs).map(([name, value]) => `${name}=${attrText(value)}`).join(" ");
  const inputs = node.inputs.map((name) => name === "" ? "-" : `%${name}`).join(", ");
  const layer = node.layer === undefined ? "" : ` (${node.layer})`;
  return `${results} = ${domain}${node.op}${attrs === "" ? "" : `[${attrs}]`}(${inputs})  # ${node.name}${layer}`;
}

/** Returns a type as `float32[batch,2]`. */
export function printType({ dtype, shape }: ValueType): string {
  return `${dtype}[${shape.join(",")}]`;
}

function typed(name: string, type: ValueType | undefined): string {
  return `%${name}: ${type === undefined ? "?" : printType(type)}`;
}

function attrText(value: Attr): string {
  if (typeof value === "number") return String(value);
  if (typeof value === "string") return JSON.stringify(value);
  if ("dtype" in value) return `${printType(value)}{${elementsOf(value)}}`;
  return `[${value.map((item) => typeof item === "string" ? JSON.stringify(item) : item).join(",")}]`;
}

function elementsOf({ data }: Tensor): string {
  const first = Array.from<number | bigint>(data.subarray(0, SHOWN_ELEMENTS) as Float32Array);
  const shown = first.map((element) => Object.is(element, -0) ? "-0" : rounded(element, data)).join(" ");
  return data.length > SHOWN_ELEMENTS ? `${shown} …` : shown;
}

/** float32 holds 9 significant digits, of which people want 6. */
function rounded(element: number | bigint, data: Tensor["data"]): string {
  return data instanceof Float32Array ? String(Number(Number(element).toPrecision(6))) : String(element);
}
