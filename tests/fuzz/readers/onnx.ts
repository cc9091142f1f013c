/** ONNX files. */
import * as tfl from "@tensorflow/tfjs-layers";
import { toOnnx } from "../../../export/to_onnx.ts";
import { decodeModel, encodeModel } from "../../../src/onnx/file/mod.ts";
import { check, type Prepare } from "../_case.ts";
import { mutateBytes } from "../_mutate.ts";
import { startTf } from "./_start.ts";

/** The file of a small model, damaged. */
export const prepare: Prepare = async () => {
  await startTf();
  const layers = [
    tfl.layers.conv2d({ filters: 2, kernelSize: 2, inputShape: [4, 4, 1], activation: "relu" }),
    tfl.layers.flatten(),
    tfl.layers.dense({ units: 3, activation: "softmax" }),
  ];
  const { bytes } = await toOnnx(tfl.sequential({ layers }), { precision: "float32" });
  return (random) => {
    const { bytes: damaged, what } = mutateBytes(random, bytes);
    return { what, read: () => readBack(damaged) };
  };
};

/** What is read is written again, and read from that as it was. */
function readBack(bytes: Uint8Array): void {
  const { graph } = decodeModel(bytes);
  for (const [name, { shape, data }] of graph.initializers) {
    check(data.length === shape.reduce((a, b) => a * b, 1), `the tensor "${name}" has ${data.length} elements`);
  }
  check(graph.nodes.every(({ op }) => op !== ""), "a node without an operator");
  const again = decodeModel(encodeModel(graph)).graph;
  check(again.nodes.length === graph.nodes.length, "another number of nodes");
  check(again.initializers.size === graph.initializers.size, "another number of tensors");
}
