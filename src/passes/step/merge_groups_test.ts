import assert from "node:assert/strict";
import { applied, assertSameNumbers, graphOf } from "../_test_support.ts";
import { assertSame, conv, filterGradient, whole } from "./blocked/_test_support.ts";
import { mergeGroups } from "./merge_groups.ts";
import type { Graph } from "../../onnx/graph.ts";

/** Groups of the convolutions of a graph, in order. */
function groupsIn(graph: Graph): readonly unknown[] {
  return graph.nodes.filter(({ op }) => op === "Conv").map(({ attrs }) => attrs.group);
}

for (
  const { block, groups, inside, own, left } of [
    { block: 8, groups: 8, inside: 4, own: 4, left: 4 },
    { block: 16, groups: 8, inside: 4, own: 4, left: 2 },
    { block: 16, groups: 6, inside: 8, own: 24, left: 3 },
    { block: 16, groups: 4, inside: 4, own: 8, left: 1 },
    { block: 8, groups: 4, inside: 8, own: 16, left: 4 },
    { block: 8, groups: 3, inside: 4, own: 4, left: 3 },
    { block: 16, groups: 8, inside: 2, own: 2, left: 8 },
    { block: 16, groups: 8, inside: 1, own: 2, left: 8 },
  ]
) {
  const what = `${groups} groups of ${inside} channels and ${own} filters for blocks of ${block}`;
  Deno.test(`mergeGroups() makes ${left} of ${what}`, () => {
    const graph = graphOf([2, groups * inside, 6, 5], (b, x) => {
      const bias = whole(b, [groups * own]);
      const filter = whole(b, [groups * own, inside, 3, 3], 4);
      const attrs = { kernel_shape: [3, 3], strides: [2, 1], dilations: [1, 2], pads: [1, 2, 0, 1], group: groups };
      return b.node("Conv", [x, filter, bias], attrs);
    });
    const merged = applied(mergeGroups(block), graph);
    assert.deepEqual(groupsIn(merged), [left]);
    assertSameNumbers(graph, merged);
    assertSame(merged, { block });
  });

  Deno.test(`mergeGroups() makes what is needed of the gradient by the filter of ${what}`, () => {
    const graph = graphOf([8, 4, 6, 5], (b, x) => {
      const picture = conv(b, x, whole(b, [groups * inside, 4, 1, 1]), { pad: 0 });
      const dy = conv(b, x, whole(b, [groups * own, 4, 3, 3], 4), { stride: 2, pad: 1 });
      return filterGradient(b, { x: picture, dy, k: 3, stride: 2, pad: 1, groups });
    });
    const merged = applied(mergeGroups(block), graph);
    const joined = [1, 2, 4].find((count) => groups % count === 0 && own * count % block === 0) ?? 1;
    assert.deepEqual(groupsIn(merged), [1, 1, groups / joined]);
    assertSameNumbers(graph, merged);
    assertSame(merged, { block });
  });
}

Deno.test("mergeGroups() keeps infinities of a picture out of the gradients of other groups' filters", () => {
  const graph = graphOf(
    [1, 8, 4, 4],
    (b, x) => filterGradient(b, { x, dy: whole(b, [1, 8, 4, 4]), k: 1, stride: 1, pad: 0, groups: 2 }),
  );
  const feeds = { x: Float32Array.from({ length: 128 }, (_, i) => i < 16 ? Infinity : 1) };
  const merged = applied(mergeGroups(8), graph);
  assert.deepEqual(groupsIn(merged), [1]);
  assertSameNumbers(graph, merged, { feeds });
});

Deno.test("mergeGroups() leaves depthwise convolutions, lines and machines without blocks alone", () => {
  const graph = graphOf([2, 16, 6, 5], (b, x) => {
    const line = b.node("Reshape", [x, b.constant("int64", [3], [2, 16, 30])]);
    return [
      conv(b, x, whole(b, [16, 1, 3, 3]), { group: 16 }),
      b.node("Conv", [line, whole(b, [16, 4, 3])], { kernel_shape: [3], group: 4 }),
    ];
  });
  assert.equal(applied(mergeGroups(8), graph).nodes.length, graph.nodes.length);
  const grouped = graphOf([2, 16, 6, 5], (b, x) => conv(b, x, whole(b, [16, 4, 3, 3]), { group: 4 }));
  assert.equal(applied(mergeGroups(1), grouped), grouped);
});
