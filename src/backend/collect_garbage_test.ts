import assert from "node:assert/strict";
import { GraphBuilder } from "../onnx/writer.ts";
import { collectGarbage } from "./_collect_garbage.ts";
import { PlanCache } from "./_plan_cache.ts";

Deno.test("collectGarbage() collects what nobody holds, and nothing else", async () => {
  const held = new Float32Array(16).fill(1);
  const [garbage, kept] = await watched(held);
  collectGarbage();
  assert.equal(garbage.deref(), undefined);
  assert.equal(kept.deref(), held);
});

for (const { bytes, isCollected } of [{ bytes: 0, isCollected: true }, { bytes: 2 ** 40, isCollected: false }]) {
  Deno.test(`compiling a graph of ${isCollected ? "much" : "little"} memory ${isCollected ? "collects" : "leaves"} garbage`, async () => {
    const collected: boolean[] = [];
    // V8 may collect by itself once; hardly five times.
    for (let attempt = 0; attempt < 5; attempt++) {
      const b = new GraphBuilder();
      const x = b.input("float32", [4, 4], "x");
      const graph = b.build("twice", [b.node("Add", [x, x]).name]);
      const cache = new PlanCache(4, (graph) => graph, () => ({ threads: 1 }), bytes);
      const [garbage] = await watched();
      cache.planFor(graph, []);
      collected.push(garbage.deref() === undefined);
      cache.clear();
    }
    assert.equal(collected.every((isGone) => isGone), isCollected);
  });
}

/** Returns references that keep neither an array that nobody holds, nor `held`. */
async function watched(held: object = {}): Promise<readonly WeakRef<object>[]> {
  const references = [new WeakRef(new Float32Array(16)), new WeakRef(held)];
  // A target lives to the end of the turn that its reference was made in.
  await new Promise((resolve) => setTimeout(resolve, 0));
  return references;
}
