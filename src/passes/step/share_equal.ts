/** Computes once what several nodes compute from the same inputs. */
import type { Attr, Graph, Node } from "../../onnx/graph.ts";
import { definePass, type Pass } from "../pass.ts";

/** Replaces nodes equal to an earlier one: operator, attributes and inputs. Graph outputs keep their own node. */
export const shareEqual: Pass = definePass({ name: "shareEqual", rewrite });

function rewrite(graph: Graph): Graph {
  const renamed = new Map<string, string>();
  const known = new Map<string, Node>();
  const outputs = new Set(graph.outputs);
  const constants = equalConstants(graph);
  const nodes: Node[] = [];
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((name) => renamed.get(name) ?? constants.get(name) ?? name);
    const key = `${node.domain ?? ""}${node.op}(${inputs})${node.outputs.length}${attrsKey(node.attrs)}`;
    const equal = known.get(key);
    if (equal !== undefined && !node.outputs.some((name) => outputs.has(name))) {
      node.outputs.forEach((name, i) => renamed.set(name, equal.outputs[i]));
      continue;
    }
    const wired = { ...node, inputs };
    if (equal === undefined) known.set(key, wired);
    nodes.push(wired);
  }
  const read = new Set([...graph.outputs, ...nodes.flatMap(({ inputs }) => inputs)]);
  return { ...graph, nodes, initializers: new Map([...graph.initializers].filter(([name]) => read.has(name))) };
}

/** Elements of constants that are compared: axes, shapes, scalars. */
const COMPARED = 16;

/** Maps each small constant to the first that equals it, bit by bit. */
function equalConstants({ initializers, outputs }: Graph): ReadonlyMap<string, string> {
  const first = new Map<string, string>();
  const same = new Map<string, string>();
  for (const [name, { dtype, shape, data }] of initializers) {
    if (data.length > COMPARED || outputs.includes(name)) continue;
    const key = `${dtype}[${shape}]${new Uint8Array(data.buffer, data.byteOffset, data.byteLength)}`;
    const known = first.get(key);
    if (known === undefined) first.set(key, name);
    else same.set(name, known);
  }
  return same;
}

function attrsKey(attrs: Node["attrs"]): string {
  return Object.keys(attrs).sort().map((name) => ` ${name}=${attrKey(attrs[name])}`).join("");
}

function attrKey(value: Attr): string {
  return typeof value === "object" && "dtype" in value ? `${value.dtype}[${value.shape}]${value.data}` : String(value);
}
