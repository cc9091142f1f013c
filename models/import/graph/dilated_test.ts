import assert from "node:assert/strict";
import { registerBackend } from "../../../src/backend/mod.ts";
import { openModel } from "../open_model.ts";
import { GraphWriter } from "./_test_graph.ts";
import { FLOAT, text, wholes, WINDOWS } from "./_test_parts.ts";

interface Dilated {
  readonly op?: "Conv2D" | "DepthwiseConv2dNative";
  readonly pads: readonly number[];
  readonly crops?: readonly number[];
  /** Whether what is parted is read by others too. */
  readonly isRead?: boolean;
}

const PLAIN = { ...WINDOWS, strides: wholes(1, 1, 1, 1), padding: text("VALID") };

/** A convolution of a picture that is parted by 2 and 3, its bias and ReLU in between. */
function writePicture(
  graph: GraphWriter,
  { op = "Conv2D", pads, crops = [0, 0, 0, 0], isRead = false }: Dilated,
): void {
  const x = graph.input("x", [-1, 8, 9, 2]);
  const block = graph.whole("block", 2, 3);
  const parted = graph.add("SpaceToBatchND", "parted", [x, block, graph.table("pads", [2, 2], pads)]);
  const kernel = graph.real("k", [3, 2, 2, op === "Conv2D" ? 4 : 2]);
  const conv = graph.add(op, "conv", [parted, kernel], PLAIN);
  const relu = graph.add("Relu", "relu", [graph.add("BiasAdd", "bias", [conv, graph.real("b", [4])])]);
  const whole = graph.add("BatchToSpaceND", "whole", [relu, block, graph.table("crops", [2, 2], crops)]);
  graph.add("Tanh", "y", [
    isRead
      ? graph.add("AddV2", "both", [whole, graph.add("Max", "most", [conv, graph.whole("axes", 0, 1, 2, 3)])])
      : whole,
  ]);
}

/** A row that is parted by 2, as causal convolutions over time are written. */
function writeRow(graph: GraphWriter): void {
  const x = graph.input("x", [-1, 8, 2]);
  const block = graph.whole("block", 2);
  const parted = graph.add("SpaceToBatchND", "parted", [x, block, graph.table("pads", [1, 2], [4, 0])]);
  const picture = graph.add("ExpandDims", "picture", [parted, graph.scalar("axis", 1)]);
  const conv = graph.add("Conv2D", "conv", [picture, graph.real("k", [1, 3, 2, 4])], PLAIN);
  const row = graph.add("Squeeze", "row", [conv], { ...FLOAT, squeeze_dims: wholes(1) });
  graph.add("BatchToSpaceND", "y", [row, block, graph.table("crops", [1, 2], [0, 0])]);
}

async function classesOf(write: (graph: GraphWriter) => void): Promise<string> {
  await registerBackend();
  const dir = Deno.makeTempDirSync();
  try {
    const graph = new GraphWriter();
    write(graph);
    graph.save(`${dir}/net`);
    // What it answers is compared with TensorFlow.js as it is imported.
    const model = await openModel(`${dir}/net`);
    return model.layers.map((layer) => layer.getClassName()).join(" ");
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
}

Deno.test("openModel() makes one dilated convolution of one that is parted by space-to-batch", async () => {
  assert.match(
    await classesOf((graph) => writePicture(graph, { pads: [0, 0, 0, 0] })),
    /^InputLayer (Group)?Conv2D ReLU Activation$/,
  );
  const same = { pads: [2, 2, 1, 5], crops: [0, 0, 0, 3] };
  assert.match(
    await classesOf((graph) => writePicture(graph, same)),
    /^InputLayer (ZeroPadding2D )?(Group)?Conv2D ReLU Activation$/,
  );
  const shifted = { pads: [3, 1, 2, 4], crops: [1, 0, 2, 1] };
  assert.match(
    await classesOf((graph) => writePicture(graph, shifted)),
    /^InputLayer ZeroPadding2D (Group)?Conv2D ReLU Activation$/,
  );
  const deep = { op: "DepthwiseConv2dNative", pads: [0, 0, 0, 0] } as const;
  assert.match(await classesOf((graph) => writePicture(graph, deep)), /^InputLayer \w+Conv2D ReLU Activation$/);
  assert.match(await classesOf(writeRow), /Conv2D/);
});

Deno.test("openModel() leaves parted pictures that others read, and refuses them by name", async () => {
  await assert.rejects(
    classesOf((graph) => writePicture(graph, { pads: [0, 0, 0, 0], isRead: true })),
    /cannot be imported/,
  );
});
