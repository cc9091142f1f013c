import { decodeModel, encodeModel } from "./mod.ts";
import type { Graph, Node, Tensor, ValueType } from "../graph.ts";

const type: ValueType = { dtype: "float32", shape: [1, 8, 16, 16] };

/** A chain of 1,000 convolutions over 100 kernels of `elements` elements. */
function chain(elements: number): Graph {
  const kernel: Tensor = { dtype: "float32", shape: [elements], data: new Float32Array(elements) };
  const nodes = Array.from({ length: 1000 }, (_, i): Node => ({
    op: "Conv",
    name: `conv${i}`,
    inputs: [`v${i}`, `w${i % 100}`],
    outputs: [`v${i + 1}`],
    attrs: { strides: [1, 1], pads: [1, 1, 1, 1], group: 1 },
  }));
  return {
    name: "chain",
    inputs: ["v0"],
    outputs: ["v1000"],
    initializers: new Map(Array.from({ length: 100 }, (_, i) => [`w${i}`, kernel] as const)),
    nodes,
    types: new Map(Array.from({ length: 1001 }, (_, i) => [`v${i}`, type] as const)),
  };
}

const small = chain(16);
const large = chain(250_000);
const smallFile = encodeModel(small);
const largeFile = encodeModel(large);

Deno.bench("encodeModel, 1,000 nodes", { group: "1,000 nodes", baseline: true }, () => void encodeModel(small));
Deno.bench("decodeModel, 1,000 nodes", { group: "1,000 nodes" }, () => void decodeModel(smallFile));

Deno.bench("copy of 100 MB", { group: "100 MB", baseline: true }, () => void largeFile.slice());
Deno.bench("encodeModel, 100 MB", { group: "100 MB" }, () => void encodeModel(large));
Deno.bench("decodeModel, 100 MB", { group: "100 MB" }, () => void decodeModel(largeFile));
