/** What rounding does to biases, as they stand in the files: with batch normalization folded in. */
import type { Graph, Node } from "../src/onnx/graph.ts";
import { type Index, indexOf } from "../src/onnx/index.ts";
import { noiseOf, sqnrDb } from "../src/numbers/noise.ts";

/** Operators whose third input is a bias. */
const BIASED = new Set(["Conv", "ConvTranspose", "Gemm"]);

/**
 * Compares the biases of an int8 graph with those of the float graph of the same model, by the layer that the operator
 * came from. Layers whose bias is not rounded are left out.
 */
export function biasNoise(int8: Graph, float: Graph): ReadonlyMap<string, number | null> {
  const real = new Map(operatorsOf(float).map(({ layer, bias }) => [layer, valuesOf(bias, indexOf(float))]));
  const index = indexOf(int8);
  return new Map(
    operatorsOf(int8).flatMap(({ layer, bias }) => {
      const [known, rounded] = [real.get(layer), roundedOf(bias, index)];
      return known === undefined || rounded === undefined ? [] : [[layer, sqnrDb(noiseOf(known, rounded))] as const];
    }),
  );
}

function operatorsOf({ nodes }: Graph): readonly { readonly layer: string; readonly bias: string }[] {
  return nodes.flatMap(({ op, layer, inputs: [, , bias] }) =>
    BIASED.has(op) && layer !== undefined && bias !== undefined && bias !== "" ? [{ layer, bias }] : []
  );
}

function valuesOf(name: string, index: Index): Float64Array | undefined {
  const tensor = index.constant(name);
  return tensor && Float64Array.from<number | bigint>(tensor.data, Number);
}

/** The values of a bias that is dequantized from codes. */
function roundedOf(name: string, index: Index): Float64Array | undefined {
  const node: Node | undefined = index.producer(name);
  if (node?.op !== "DequantizeLinear") return undefined;
  const [codes, scales] = node.inputs.map((input) => valuesOf(input, index));
  return codes && scales && codes.map((code, i) => code * scales[scales.length === 1 ? 0 : i]);
}
