/** Files damaged at random: a load either succeeds or throws ModelFileError with a message of one line. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { withSavedModel } from "./_test_models.ts";
import { loadLayersModel, ModelFileError } from "./layers_model.ts";

/** Loads `dir`, and tells whether that failed as it may. */
async function isRefused(dir: string): Promise<boolean> {
  try {
    (await loadLayersModel(dir)).model.dispose();
    return false;
  } catch (error) {
    assert.ok(error instanceof ModelFileError, `${error}`);
    assert.match(error.message, /^Cannot load "[^\n]+": [^\n]+$/);
    return true;
  }
}

for (const name of ["model.json", "weights.bin"]) {
  Deno.test(`loadLayersModel() throws ModelFileError when ${name} is cut off at any byte`, () =>
    withSavedModel(async (dir) => {
      const whole = Deno.readFileSync(`${dir}/${name}`);
      await fc.assert(
        fc.asyncProperty(fc.nat(whole.length - 1), async (length) => {
          Deno.writeFileSync(`${dir}/${name}`, whole.subarray(0, length));
          assert.ok(await isRefused(dir));
        }),
        { seed: 1, numRuns: 60, examples: [[0], [1], [whole.length - 1]] },
      );
    }));
}

Deno.test("loadLayersModel() loads or throws ModelFileError when a byte of model.json changes", () =>
  withSavedModel(async (dir) => {
    const whole = Deno.readFileSync(`${dir}/model.json`);
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 }), async (at, value) => {
        Deno.writeFileSync(`${dir}/model.json`, whole.with(at, value));
        await isRefused(dir);
      }),
      { seed: 2, numRuns: 150 },
    );
  }));

Deno.test("loadLayersModel() loads or throws ModelFileError when a value of model.json changes", () =>
  withSavedModel(async (dir) => {
    const whole = Deno.readTextFileSync(`${dir}/model.json`);
    const places = placesIn(JSON.parse(whole));
    // Small numbers only: a layer of a billion units is a slow way to a full memory, not a broken file.
    const values = [null, true, 0, -1, 2.5, "", "conv", [], {}, [null], { class_name: "Dense" }];
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...places), fc.constantFrom(...values), async (place, value) => {
        Deno.writeTextFileSync(`${dir}/model.json`, JSON.stringify(replaced(JSON.parse(whole), place, value)));
        if (await isRefused(dir)) refused++;
      }),
      { seed: 3, numRuns: 300 },
    );
    assert.ok(refused > 100, `only ${refused} of 300 were refused: the changes miss what matters`);
  }));

type Place = readonly (string | number)[];

/** Lists the paths of all values inside a JSON value. */
function placesIn(value: unknown, here: Place = []): Place[] {
  if (typeof value !== "object" || value === null) return [here];
  const keys = Array.isArray(value) ? [...value.keys()] : Object.keys(value);
  const inner = keys.flatMap((key) => placesIn((value as Record<string | number, unknown>)[key], [...here, key]));
  return here.length === 0 ? inner : [here, ...inner];
}

function replaced(root: unknown, place: Place, value: unknown): unknown {
  let parent = root as Record<string | number, unknown>;
  for (const key of place.slice(0, -1)) parent = parent[key] as Record<string | number, unknown>;
  parent[place[place.length - 1]] = value;
  return root;
}
