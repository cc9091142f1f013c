/** What became of each node of an ONNX graph. */
import type { Graph, Node, Tensor } from "../../../src/onnx/graph.ts";
import type { ImportRecord } from "../imported.ts";

/** What is known of an import. */
interface Translation {
  /** The nodes that outputs depend on, by their names. */
  readonly living: ReadonlySet<string>;
  readonly statics: ReadonlyMap<string, Tensor>;
  /** Returns the names of the layers that a node became. */
  readonly layersOf: (node: string) => readonly string[];
}

/** Lists what became of the nodes of `graph`, in its order. */
export function recordsOf({ nodes }: Graph, { living, statics, layersOf }: Translation): readonly ImportRecord[] {
  return nodes.map((node): ImportRecord => {
    const about = { node: node.name, operator: operatorOf(node) };
    if (living.has(node.name)) return { ...about, became: layersOf(node.name) };
    const isConstant = node.outputs.every((name) => name === "" || statics.has(name));
    return { ...about, became: isConstant ? "constant" : "cut" };
  });
}

/** An operator with its domain, where that is another than ONNX's own. */
function operatorOf({ op, domain }: Pick<Node, "op" | "domain">): string {
  return domain === undefined ? op : `${domain}.${op}`;
}
