import assert from "node:assert/strict";
import { findCircles, importGraph, type Info } from "./_import_graph.ts";

const ROOT = "file:///project/";

/** Makes the JSON of `deno info` from lines "a: b c, types d". */
function infoOf(...lines: readonly string[]): Info {
  const target = (name: string) => ({ specifier: name.includes("@") ? `npm:${name}` : `${ROOT}${name}.ts` });
  const modules = lines.map((line) => {
    const [name, values = "", types = ""] = line.split(/: ?|, types /);
    const dependencies = [
      ...values.split(" ").filter(Boolean).map((name) => ({ code: target(name) })),
      ...types.split(" ").filter(Boolean).map((name) => ({ type: target(name) })),
    ];
    return { ...target(name), dependencies };
  });
  return { modules };
}

Deno.test("importGraph() keeps modules of the project, and types only where they are asked for", () => {
  const info = infoOf("a: b acorn@8, types c", "b:", "c:", "acorn@8:");
  const show = (kind: "any" | "values") =>
    Object.fromEntries([...importGraph(info, { root: ROOT, kind })].map(([name, imported]) => [name, [...imported]]));
  assert.deepEqual(show("any"), { "a.ts": ["b.ts", "c.ts"], "b.ts": [], "c.ts": [] });
  assert.deepEqual(show("values"), { "a.ts": ["b.ts"], "b.ts": [], "c.ts": [] });
});

Deno.test("findCircles() finds none where imports go one way, by several ways", () => {
  assert.deepEqual(findCircles(infoOf("a: b c", "b: d", "c: d, types b", "d:"), ROOT), []);
});

Deno.test("findCircles() tells circles of values from those that a type closes", () => {
  const info = infoOf("a: b", "b: c", "c: a", "d: e", "e:, types d", "f: a d");
  assert.deepEqual(findCircles(info, ROOT), [
    { kind: "values", modules: ["a.ts", "b.ts", "c.ts", "a.ts"] },
    { kind: "types", modules: ["d.ts", "e.ts", "d.ts"] },
  ]);
});

Deno.test("findCircles() shows one shortest circle of modules that are in many", () => {
  const info = infoOf("a: b", "b: c d", "c: a", "d: c b");
  assert.deepEqual(findCircles(info, ROOT), [{ kind: "values", modules: ["a.ts", "b.ts", "c.ts", "a.ts"] }]);
});

Deno.test("findCircles() finds a module that imports itself", () => {
  assert.deepEqual(findCircles(infoOf("a: a"), ROOT), [{ kind: "values", modules: ["a.ts", "a.ts"] }]);
});
