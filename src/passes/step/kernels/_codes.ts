/** Values on a grid as whole numbers: what an integer kernel reads. */
import { type CodeType, isCodeType } from "../../../numbers/codes.ts";
import type { Node } from "../../../onnx/graph.ts";
import type { Index } from "../../../onnx/index.ts";
import { traitsOf } from "../../../onnx/schema/mod.ts";
import type { GraphWriter } from "../../../onnx/writer.ts";

/** A value's codes. */
export interface Codes {
  /** Codes less their zero point, whole numbers in float32, of the value's shape: value = steps · scale. */
  readonly steps: string;
  /** Scales, [] or [channels]. */
  readonly scale: string;
  /** Of values that are computed: their zero point, and the type of their codes. */
  readonly grid?: { readonly zeroPoint: string; readonly dtype: CodeType };
}

/** Finds the codes of values, and writes each once. */
export class CodeReader {
  readonly #known = new Map<string, Codes | undefined>();

  constructor(private readonly out: GraphWriter, private readonly index: Index) {}

  /** Returns the codes of `value`, or undefined if it is on no grid. */
  codesOf(value: string): Codes | undefined {
    if (!this.#known.has(value)) this.#known.set(value, this.#read(value));
    return this.#known.get(value);
  }

  #read(value: string): Codes | undefined {
    const node = this.index.producer(value);
    if (node === undefined || node.outputs.length !== 1) return undefined;
    if (node.op === "DequantizeLinear") return this.#dequantized(node);
    if (node.op === "Mul") return this.#weights(node);
    const source = staysOnGrid(node, this.index) ? this.codesOf(node.inputs[0]) : undefined;
    // Channels that are moved take their scales elsewhere; only those of weights are, and their users know how they lie.
    if (source === undefined) return undefined;
    const { attrs } = node;
    return { ...source, steps: this.out.emit(node.op, [source.steps, ...node.inputs.slice(1)], { attrs, like: node }) };
  }

  #dequantized(node: Node): Codes | undefined {
    const [codes, scale, zeroPoint] = node.inputs;
    const { dtype } = this.out.typeOf(codes);
    if (zeroPoint === undefined || !isCodeType(dtype)) return undefined;
    const one = onesLike(this.out, scale);
    const steps = this.out.emit("DequantizeLinear", [codes, one, zeroPoint], { attrs: node.attrs, like: node });
    return { steps, scale, grid: { zeroPoint, dtype } };
  }

  /** Weights as `simulateWeights` writes them: their codes, times their scales. */
  #weights({ inputs: [steps, spread] }: Node): Codes | undefined {
    const clip = this.index.producer(steps);
    const round = clip?.op === "Clip" ? this.index.producer(clip.inputs[0]) : undefined;
    const div = round?.op === "Round" ? this.index.producer(round.inputs[0]) : undefined;
    if (div?.op !== "Div" || div.inputs[1] !== spread) return undefined;
    return { steps, scale: this.out.emit("Reshape", [spread, this.out.ints(`${spread}_flat`, [-1])]) };
  }
}

/** Whether what `node` gives has the codes of its first input, in other places, or 0. */
function staysOnGrid(node: Node, index: Index): boolean {
  if (traitsOf(node).movement === true) return true;
  const [, , filling] = node.inputs;
  return node.op === "Pad" && (node.attrs.mode ?? "constant") === "constant" &&
    (filling === undefined || filling === "" || Number(index.constant(filling)?.data[0]) === 0);
}

function onesLike(out: GraphWriter, scale: string): string {
  const { shape } = out.typeOf(scale);
  const size = shape.reduce((a, b) => a * b, 1);
  return out.constant("one", "float32", shape, new Float32Array(size).fill(1));
}
