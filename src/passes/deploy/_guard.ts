/** What keeps ONNX Runtime from fusing an operator with the quantizer behind it. */
import type { Node } from "../../onnx/graph.ts";
import type { Index } from "../../onnx/index.ts";
import type { GraphWriter } from "../../onnx/writer.ts";

/** What may stand between an operator and a QuantizeLinear without stopping a fusion. */
const ABSORBED = new Set(["Relu", "LeakyRelu", "Clip"]);

/** Lists the QuantizeLinears that `value` could be fused with: right behind it, or behind an activation. */
export function quantizersBehind(value: string, index: Index): readonly Node[] {
  return index.uses(value)
    .flatMap((reader) => ABSORBED.has(reader.op) ? index.uses(reader.outputs[0]) : [reader])
    .filter(({ op }) => op === "QuantizeLinear");
}

/** Appends `node` with a Max of one value behind it, which takes over the output's name. */
export function pushGuarded(node: Node, out: GraphWriter): void {
  const [output] = node.outputs;
  const bare = out.fresh(`${output}_bare`);
  out.types.set(bare, out.typeOf(output));
  out.push({ ...node, outputs: [bare] });
  out.emit("Max", [bare], { output, like: node });
}

/** Whether `node` is a Max that keeps what is before it in float. */
export function isGuard({ op, inputs }: Pick<Node, "op" | "inputs">): boolean {
  return op === "Max" && inputs.length === 1;
}
