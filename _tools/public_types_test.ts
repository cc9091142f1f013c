import assert from "node:assert/strict";
import { findUnexported } from "./_public_types.ts";

/** Runs `deno doc --json` on a module of `source`, beside which inner.ts exports types A and B and the constant c. */
async function unexportedOf(source: string) {
  const folder = await Deno.makeTempDir();
  try {
    const inner = "export type A = 1;\nexport interface B { a: A }\nexport const c = 1;\n";
    await Deno.writeTextFile(`${folder}/inner.ts`, inner);
    await Deno.writeTextFile(`${folder}/x.ts`, source);
    const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["doc", "--json", "x.ts"], cwd: folder })
      .output();
    return findUnexported(JSON.parse(new TextDecoder().decode(stdout))).map(({ name, usedBy }) => [name, ...usedBy]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const IMPORTS =
  `import { type A, type B, c } from "./inner.ts"; import type * as tf from "npm:@tensorflow/tfjs-core@4.22.0";\n`;

Deno.test("findUnexported() finds types that parameters, results, members and bases name, local ones too", async () => {
  const source = `${IMPORTS}
    interface Local { readonly n: number }
    export function f(a: readonly A[]): Local { return a; }
    export interface I extends Local { m(b: Promise<B>): void }
    export class K { readonly l?: Local; #hidden?: A; private kept?: B; }
  `;
  assert.deepEqual(await unexportedOf(source), [["A", "f"], ["B", "I"], ["Local", "f", "I", "K"]]);
});

Deno.test("findUnexported() looks into types that are passed on", async () => {
  assert.deepEqual(await unexportedOf(`export type { B } from "./inner.ts";`), [["A", "B"]]);
  assert.deepEqual(await unexportedOf(`export type { A, B } from "./inner.ts";`), []);
});

Deno.test("findUnexported() finds values whose types are asked for", async () => {
  assert.deepEqual(await unexportedOf(`${IMPORTS} export type C = typeof c;`), [["c", "C"]]);
});

Deno.test("findUnexported() leaves out type parameters, globals, other packages and what is internal", async () => {
  const source = `${IMPORTS}
    const table = { a: 1 };
    export type Names = keyof typeof table;
    export function f<T extends Date>(x: T, y: tf.Tensor, z: typeof tf.relu): Map<string, T> { return x; }
    export class K {
      /** @internal */
      m(a: A): void {}
    }
    /** @throws {A} Never. */
    export function g(): void {}
  `;
  assert.deepEqual(await unexportedOf(source), []);
});
