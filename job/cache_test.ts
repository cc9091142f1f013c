import assert from "node:assert/strict";
import sharp from "sharp";
import { exists } from "../src/io/disk.ts";
import { openRunFolder } from "./_open_run.ts";
import { contentsOf, save, SMALL, tinyModel, withFolder } from "./_test_support.ts";
import { chooseQuantization } from "./choose.ts";
import { compareRuns } from "./compare.ts";
import { debugModel } from "./debug.ts";
import type { QatOptions } from "./options.ts";
import { runPtq } from "./ptq.ts";
import { runQat } from "./qat.ts";

/** Three classes of eight pictures each. */
async function makePhotos(dir: string): Promise<void> {
  for (const [kind, name] of ["a", "b", "c"].entries()) {
    await Deno.mkdir(`${dir}/${name}`, { recursive: true });
    for (let i = 0; i < 8; i++) {
      const background = { r: 80 * kind + i, g: 20 * i, b: 200 - 60 * kind };
      await sharp({ create: { width: 12 + i, height: 10, channels: 3, background } }).png().toFile(
        `${dir}/${name}/${i}.png`,
      );
    }
  }
}

class Stopped extends Error {}

Deno.test("runQat() with --cache ends with the very files that it has without, stopped and gone on with too", () =>
  withFolder(async (dir) => {
    await makePhotos(`${dir}/photos`);
    const model = await save(tinyModel({ classes: 3 }), `${dir}/in`);
    const { overwrite: _, ...small } = SMALL;
    const options: QatOptions = {
      ...small,
      model,
      data: `folder:${dir}/photos`,
      batchSize: 4,
      epochs: 2,
      augment: true,
    };
    await runQat({ ...options, out: `${dir}/memory` });
    const cache = `${dir}/cache`;
    const out = `${dir}/stored`;
    const stop = new AbortController();
    let steps = 0;
    const onStep = () => ++steps === 5 ? stop.abort(new Stopped()) : undefined;
    await assert.rejects(runQat({ ...options, cache, out }, { onStep, signal: stop.signal }), Stopped);
    const names = [...Deno.readDirSync(cache)].map(({ name }) => name).sort();
    assert.equal(names.length, 2);
    await runQat({ resume: out });
    const lasting = (out: string) =>
      Object.fromEntries(
        Object.entries(contentsOf(out)).filter(([path]) => !/report\.|\/run($|\/)/.test(path))
          .map(([path, text]) => [path.slice(out.length), text]),
      );
    assert.deepEqual(lasting(out), lasting(`${dir}/memory`));
    // It is the user's, and stays.
    assert.deepEqual([...Deno.readDirSync(cache)].map(({ name }) => name).sort(), names);
  }));

Deno.test("runPtq(), debugModel() and chooseQuantization() find with --cache what the first of them decoded", () =>
  withFolder(async (dir) => {
    await makePhotos(`${dir}/photos`);
    const model = await save(tinyModel({ classes: 3 }), `${dir}/in`);
    const shared = { data: `folder:${dir}/photos`, threads: 1, precise: true, limit: 20 };
    const asked = { ...shared, model, samples: 16 };
    const cache = `${dir}/cache`;
    const written = () =>
      [...Deno.readDirSync(cache)].map(({ name }) => [name, Deno.statSync(`${cache}/${name}`).mtime]);
    const [plain, stored] = [
      await runPtq({ ...asked, out: `${dir}/a` }),
      await runPtq({ ...asked, cache, out: `${dir}/b` }),
    ];
    assert.deepEqual(stored.metrics, plain.metrics);
    // The same pictures were judged: the runs are compared in pairs.
    assert.equal(stored.pairing!.samples, plain.pairing!.samples);
    const compared = await compareRuns({ runs: [`${dir}/a`, `${dir}/b`] });
    assert.deepEqual(compared.notes, []);
    assert.equal(compared.metrics[0].values[1].change?.p, 1);
    const files = [`${dir}/a`, `${dir}/b`].map((out) => Deno.readFileSync(`${out}/model.int8.onnx`));
    assert.deepEqual(files[0], files[1]);
    const before = written().sort();
    assert.equal(before.length, 2);
    await debugModel({
      ...shared,
      model: `${dir}/b/qat`,
      samples: 8,
      keepFloat: "auto:100",
      cache,
      out: `${dir}/debug`,
    });
    const chosen = await chooseQuantization({ ...asked, tolerance: 100, speedup: 0, cache, out: `${dir}/choose` });
    assert.equal(chosen.ended, "met");
    // Another number of pictures to learn from is another file; what is judged by is the same.
    const after = written().sort();
    assert.ok(before.every((file) => after.some((one) => String(one) === String(file))));
    assert.ok(after.length <= 3, `${after}`);
  }));

Deno.test("RunFolder leaves no pictures of a run that never began, and keeps those of one that goes on", () =>
  withFolder((dir) => {
    const run = openRunFolder({ out: `${dir}/out` }, () => {});
    Deno.mkdirSync(run.cacheDir);
    Deno.writeTextFileSync(`${run.cacheDir}/a.pixels`, "");
    run.close();
    assert.equal(exists(`${dir}/out`), false);
    const begun = openRunFolder({ out: `${dir}/out` }, () => {});
    Deno.mkdirSync(begun.cacheDir);
    Deno.writeTextFileSync(`${begun.cacheDir}/a.pixels`, "");
    begun.identify({ data: "d", model: "m" });
    begun.begin();
    begun.close();
    assert.ok(exists(`${dir}/out/run/cache/a.pixels`));
    const again = openRunFolder({ resume: `${dir}/out` }, () => {});
    again.close();
    assert.ok(exists(`${dir}/out/run/cache/a.pixels`));
    const last = openRunFolder({ resume: `${dir}/out` }, () => {});
    last.end([]);
    last.close();
    assert.equal(exists(`${dir}/out/run/cache`), false);
    return Promise.resolve();
  }));
