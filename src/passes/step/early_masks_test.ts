import assert from "node:assert/strict";
import { Session } from "../../runtime/session.ts";
import type { GraphBuilder, Value } from "../../onnx/writer.ts";
import { encodeModel } from "../../onnx/file/mod.ts";
import type { Graph } from "../../onnx/graph.ts";
import { earlyMasks } from "./early_masks.ts";
import { applied, assertSameNumbers, feedsFor, graphOf, ints } from "../_test_support.ts";

/** 131,072 bytes. */
const SHAPE = [4, 16, 16, 32];

/** dy where v lies in a range that is computed. */
function masked(b: GraphBuilder, v: Value, dy: Value): Value {
  const bounds = [-0.5, 0.5].map((bound) => b.node("Mul", [b.constant("float32", [], [bound]), scalar(b)]));
  const inside = b.node("Cast", [b.node("Equal", [b.node("Clip", [v, ...bounds]), v])], { to: 1 });
  return b.node("Mul", [dy, inside]);
}

function scalar(b: GraphBuilder): Value {
  return b.constant("float32", [], [1]);
}

/** A forward pass of two activations and the masks of their gradients; the loss is read last. */
function training(): Graph {
  return graphOf(SHAPE, (b, x) => {
    const first = b.node("Sin", [x]);
    const second = b.node("Cos", [first]);
    const loss = b.node("ReduceSum", [second, ints(b, [0, 1, 2, 3])], { keepdims: 0 });
    const dy = masked(b, second, b.node("Expand", [b.node("Neg", [loss]), ints(b, SHAPE)]));
    const dx = masked(b, first, b.node("Tanh", [dy]));
    return [dx, b.node("Exp", [loss])];
  });
}

/** Returns the operators in the order in which ONNX Runtime runs them, as its profile tells. */
function ranOps(graph: Graph): readonly string[] {
  const directory = Deno.makeTempDirSync();
  try {
    const session = new Session(encodeModel(graph), { profilePrefix: `${directory}/run`, keepQdq: true });
    const feeds = feedsFor(graph);
    session.run(Object.fromEntries(
      Object.entries(feeds).map(([name, data]) => [name, { dtype: "float32", shape: SHAPE, data }]),
    ));
    session.dispose();
    const [file] = [...Deno.readDirSync(directory)];
    const events: { cat: string; name: string; args: { op_name: string } }[] = JSON.parse(
      Deno.readTextFileSync(`${directory}/${file.name}`),
    );
    return events.filter(({ cat, name }) => cat === "Node" && name.endsWith("_kernel_time")).map(({ args }) =>
      args.op_name
    );
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

Deno.test("earlyMasks() has ONNX Runtime ask about a value where it is computed", () => {
  const order = (graph: Graph) => ranOps(graph).filter((op) => ["Sin", "Cos", "Equal", "Neg"].includes(op)).join();
  assert.equal(order(training()), "Sin,Cos,Equal,Equal,Neg");
  assert.equal(order(applied(earlyMasks, training())), "Sin,Equal,Cos,Equal,Neg");
});

Deno.test("earlyMasks() changes no number", () => assertSameNumbers(training(), applied(earlyMasks, training())));

Deno.test("earlyMasks() leaves graphs alone that have no range test of a value that is neither small nor very large", () => {
  const small = graphOf([2, 8], (b, x) => masked(b, x, x));
  const other = graphOf(SHAPE, (b, x) => b.node("Equal", [b.node("Relu", [x]), x]));
  const large = graphOf([4, 64, 65, 65], (b, x) => masked(b, x, x));
  for (const graph of [small, other, large]) assert.equal(applied(earlyMasks, graph), graph);
});
