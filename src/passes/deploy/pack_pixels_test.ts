/** Convolutions of pictures over every shape that packing may meet: the same codes, or left alone with a reason. */
import assert from "node:assert/strict";
import type { Graph } from "../../onnx/graph.ts";
import type { GraphBuilder, Value } from "../../onnx/writer.ts";
import { encodeModel } from "../../onnx/file/mod.ts";
import { Session } from "../../runtime/session.ts";
import { applied, countOps, fakeQuantized, feedsFor, graphOf, quantizedWeights } from "../_test_support.ts";
import { packPixels } from "./pack_pixels.ts";

interface Net {
  readonly batch?: number;
  readonly height?: number;
  readonly width?: number;
  readonly channels?: number;
  readonly filters?: number;
  readonly kernel?: readonly [number, number];
  readonly strides?: readonly [number, number];
  readonly dilations?: readonly [number, number];
  readonly pads?: readonly [number, number, number, number];
  readonly perChannel?: boolean;
  readonly bias?: boolean;
  readonly activation?: "Relu";
  readonly behind?: (b: GraphBuilder, y: Value) => Value;
}

const GRID = { scale: 0.03, zeroPoint: 77 } as const;
const ANSWER = { scale: 0.11, zeroPoint: 100 } as const;

/** x [n, h, w, c] → Q → DQ → Transpose → Q → DQ → Conv → Relu → Q → DQ → MaxPool. */
function netOf(net: Net): Graph {
  const { batch = 2, height = 12, width = 16, channels = 3, filters = 8, kernel = [3, 3], perChannel = true } = net;
  const { strides = [1, 1], dilations = [1, 1], pads = [1, 1, 1, 1], bias = true, activation } = net;
  return graphOf([batch, height, width, channels], (b, x) => {
    const picture = fakeQuantized(b, b.node("Transpose", [fakeQuantized(b, x, GRID)], { perm: [0, 3, 1, 2] }), GRID);
    const w = quantizedWeights(b, [filters, channels, ...kernel], perChannel ? { axis: 0 } : {});
    const codes = b.constant("int32", [filters], Array.from({ length: filters }, (_, i) => 100 * i - 300));
    const scales = Array.from({ length: filters }, (_, i) => GRID.scale * 0.01 * (perChannel ? 1 + i / 4 : 1));
    const added = b.node("DequantizeLinear", [codes, b.constant("float32", [filters], scales)], { axis: 0 });
    const y = b.node("Conv", [picture, w, ...(bias ? [added] : [])], {
      kernel_shape: kernel,
      strides,
      dilations,
      pads,
      group: 1,
    });
    const answer = fakeQuantized(b, activation === undefined ? y : b.node(activation, [y]), ANSWER);
    return net.behind === undefined ? answer : net.behind(b, answer);
  });
}

/** Applies the pass and asserts that ONNX Runtime, whose sums are then of integers, gives nothing else. */
function packed(graph: Graph): Graph {
  const after = applied(packPixels, graph);
  const feeds = feedsFor(graph, { real: true });
  const fused = (one: Graph) => {
    const session = new Session(encodeModel(one), { threads: 1, precise: true });
    const inputs = one.inputs.map((name) => {
      const { dtype, shape } = one.types.get(name)!;
      return [name, { dtype, shape: shape as number[], data: feeds[name] }] as const;
    });
    try {
      return session.run(Object.fromEntries(inputs))[one.outputs[0]];
    } finally {
      session.dispose();
    }
  };
  const expected = fused(graph);
  assert.deepEqual(fused(after), expected);
  return after;
}

function isPacked(graph: Graph): boolean {
  return countOps(graph).Reshape === 2;
}

Deno.test("packPixels() keeps every code, whatever kernels, strides, dilations and pads are", () => {
  let count = 0;
  for (const kernel of [[3, 3], [1, 3], [5, 7], [2, 2]] as const) {
    for (const strides of [[1, 1], [2, 2], [1, 2]] as const) {
      for (const dilations of [[1, 1], [2, 3]] as const) {
        for (const pads of [[0, 0, 0, 0], [1, 1, 1, 1], [0, 0, 1, 1], [3, 3, 3, 3], [2, 0, 0, 5]] as const) {
          for (const width of [24, 32, 25]) {
            const graph = netOf({ kernel, strides, dilations, pads, width, height: 16, perChannel: width > 24 });
            count += isPacked(packed(graph)) ? 1 : 0;
          }
        }
      }
    }
  }
  assert.ok(count > 60, `${count} were packed`);
});

Deno.test("packPixels() follows the activation, the lack of a bias, one channel or four, and what reads the codes", () => {
  for (
    const net of [
      { activation: "Relu" },
      { bias: false },
      { channels: 1 },
      { channels: 4, batch: 1 },
      { perChannel: false },
      { behind: (b, y) => b.node("MaxPool", [y], { kernel_shape: [2, 2], strides: [2, 2] }) },
      { behind: (b, y) => b.node("Add", [b.node("Relu", [y]), y]) },
    ] satisfies Net[]
  ) assert.ok(isPacked(packed(netOf(net))), JSON.stringify(net));
});

Deno.test("packPixels() packs the pictures of every input", () => {
  const graph = graphOf([2, 12, 16, 3], (b, x) => {
    const [y, z] = [x, b.input("float32", [2, 12, 16, 3], "x2")].map((one, i) => {
      const picture = fakeQuantized(
        b,
        b.node("Transpose", [fakeQuantized(b, one, GRID)], { perm: [0, 3, 1, 2] }),
        GRID,
      );
      const w = quantizedWeights(b, [8, 3, 3, 3], i === 0 ? { axis: 0 } : { seed: 2 });
      return fakeQuantized(b, b.node("Conv", [picture, w], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }), ANSWER);
    });
    return b.node("Add", [y, z]);
  });
  assert.equal(countOps(packed(graph)).Reshape, 4);
});

Deno.test("packPixels() gives weights of affine grids the code of 0 where there was none", () => {
  const graph = netOf({ perChannel: false });
  const zero = [...graph.initializers].find(([, { dtype, shape }]) => dtype === "int8" && shape.length === 0)!;
  const moved = {
    ...graph,
    initializers: new Map(graph.initializers).set(zero[0], { ...zero[1], data: Int8Array.of(5) }),
  };
  assert.ok(isPacked(packed(moved)));
});

Deno.test("packPixels() leaves alone what it cannot pack, or gains nothing by", () => {
  const reasonOf = (graph: Graph) => {
    const { graph: after, declined } = packPixels.run(graph);
    assert.deepEqual(after.nodes, graph.nodes);
    return declined.map(({ because }) => because).join();
  };
  // A row of a prime length, many channels, whose copies are long enough, and a stride that no block is a multiple of.
  for (const net of [{ width: 17 }, { channels: 64, filters: 64 }, { width: 24, strides: [3, 3] }] satisfies Net[]) {
    assert.match(reasonOf(netOf(net)), /no number of pixels fits/);
  }
  const bare = graphOf([1, 8, 16, 3], (b, x) => {
    const picture = fakeQuantized(b, b.node("Transpose", [fakeQuantized(b, x, GRID)], { perm: [0, 3, 1, 2] }), GRID);
    return b.node("Conv", [picture, quantizedWeights(b, [8, 3, 3, 3], { axis: 0 })], { kernel_shape: [3, 3] });
  });
  assert.match(reasonOf(bare), /not put on one grid/);
  const rows = graphOf([1, 8], (b, x) => b.node("Relu", [fakeQuantized(b, x, GRID)]));
  assert.match(reasonOf(rows), /^the file has no convolution that could read several pixels as one$/);
  const nchw = graphOf([1, 3, 8, 16], (b, x) =>
    fakeQuantized(
      b,
      b.node("Conv", [fakeQuantized(b, x, GRID), quantizedWeights(b, [8, 3, 3, 3], { axis: 0 })], {
        kernel_shape: [3, 3],
      }),
      ANSWER,
    ));
  assert.match(reasonOf(nchw), /does not read the codes of pictures of several channels, in the layout nhwc/);
  const twice = graphOf([1, 8, 16, 3], (b, x) => {
    const picture = fakeQuantized(b, b.node("Transpose", [fakeQuantized(b, x, GRID)], { perm: [0, 3, 1, 2] }), GRID);
    const [y, z] = [1, 2].map((seed) =>
      b.node("Conv", [picture, quantizedWeights(b, [8, 3, 3, 3], { seed })], { kernel_shape: [3, 3] })
    );
    return b.node("Add", [fakeQuantized(b, y, ANSWER), fakeQuantized(b, z, ANSWER)]);
  });
  assert.match(reasonOf(twice), /does not read/);
  // Somebody else reads the picture's channels first.
  const shared = graphOf([1, 8, 16, 3], (b, x) => {
    const picture = fakeQuantized(b, b.node("Transpose", [fakeQuantized(b, x, GRID)], { perm: [0, 3, 1, 2] }), GRID);
    const y = b.node("Conv", [picture, quantizedWeights(b, [3, 3, 1, 1], { axis: 0 })], { kernel_shape: [1, 1] });
    return b.node("Add", [fakeQuantized(b, y, ANSWER), picture]);
  });
  assert.match(reasonOf(shared), /does not read/);
});
