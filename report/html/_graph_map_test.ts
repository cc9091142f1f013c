import assert from "node:assert/strict";
import { renderGraphMap } from "./_graph_map.ts";
import { residualReport } from "../_test_sample_report.ts";
import type { GraphNodeReport } from "../schema.ts";

function chain(length: number, extra: (i: number) => readonly string[] = () => []): GraphNodeReport[] {
  return Array.from({ length }, (_, i) => {
    const inputs = [i === 0 ? "input" : `n${i - 1}`, ...extra(i)];
    return { name: `n${i}`, op: "QLinearConv", layer: `n${i}`, int8: true, inputs };
  });
}

Deno.test("renderGraphMap() draws one column for a short graph and at most four for a long one", () => {
  const columns = (nodes: readonly GraphNodeReport[]) =>
    renderGraphMap(nodes, { floatOps: [] }).match(/class="map-column"/g)?.length;
  assert.equal(columns(chain(7)), 1);
  assert.equal(columns(chain(14)), 2);
  assert.equal(columns(chain(400)), 4);
});

Deno.test("renderGraphMap() lets a skip connection run off the foot of its column", () => {
  // n6, the last of its column, is read by n7 and by n13, both in the next one; n0 by n13 only.
  const html = renderGraphMap(chain(14, (i) => i === 13 ? ["n0", "n6"] : []), { floatOps: [] });
  const [first] = html.split('class="map-column"').slice(1);
  const height = first.match(/height="(\d+)"/)?.[1];
  const open = first.match(/d="[^"]*"/g)?.filter((path) => path.endsWith(`V${height}"`));
  assert.equal(open?.length, 2);
});

Deno.test("renderGraphMap() draws lines and marks to the pixel, rows of 24 and lanes of 11 px", () => {
  const nodes: GraphNodeReport[] = [
    { name: "q", op: "QuantizeLinear", layer: "", int8: false, inputs: [] },
    { name: "c", op: "QLinearConv", layer: "conv", int8: true, inputs: ["q"] },
    { name: "t", op: "Tanh", layer: "t", int8: false, inputs: ["c"] },
    { name: "a", op: "QLinearAdd", layer: "add", int8: true, inputs: ["q", "t"] },
  ];
  const html = renderGraphMap(nodes, { floatOps: [{ node: "t", layer: "t", op: "Tanh", because: "it <is> so" }] });
  const expected = '<svg width="25" height="96" viewBox="0 0 25 96" aria-hidden="true">' +
    '<path d="M18 12V36" class="edge"/>' +
    // The skip: out to its lane, down, and back in, around corners of 7 px.
    '<path d="M18 12H14Q7 12 7 19V77Q7 84 14 84H18" class="edge"/>' +
    '<path d="M18 36V60" class="edge"/>' +
    '<path d="M18 60V84" class="edge float"/>' +
    '<circle cx="18" cy="12" r="3.5" class="border"/>' +
    '<rect x="13" y="31" width="10" height="10" rx="2" class="int8"/>' +
    '<path d="M18 54l6 6l-6 6l-6-6z" class="float"/>' +
    '<rect x="13" y="79" width="10" height="10" rx="2" class="int8"/></svg>';
  assert.ok(html.includes(expected), html);
  assert.deepEqual(
    Array.from(html.matchAll(/<li class="(\w+)" title="([^"]*)">/g), ([, kind, title]) => [kind, title]),
    [
      ["border", "QuantizeLinear\nnode q\nturns float into codes, or codes into float"],
      ["int8", "QLinearConv\nnode c\nlayer conv\nruns in int8"],
      ["float", "Tanh\nnode t\nruns in float: it &lt;is&gt; so"],
      ["int8", "QLinearAdd\nnode a\nlayer add\nruns in int8"],
    ],
  );
});

Deno.test("renderGraphMap() marks int8, float and their border differently", () => {
  const html = renderGraphMap(residualReport().graph?.nodes ?? [], { floatOps: [] });
  assert.equal(html.match(/<rect /g)?.length, 83);
  assert.equal(html.match(/<path d="[^"]*z" class="float"/g)?.length, 2);
  assert.equal(html.match(/<circle [^>]*class="border"/g)?.length, 4);
});

Deno.test("renderGraphMap() keeps both ends of long names and the whole of them in the title", () => {
  const name = `first_${"x".repeat(300)}_last`;
  const html = renderGraphMap([{ name, op: "QLinearConv", layer: "", int8: true, inputs: [] }], { floatOps: [] });
  assert.match(html, /<span>first_x+…x+_last<\/span>/);
  assert.ok(html.includes(`node ${name}`));
});
