import assert from "node:assert/strict";
import * as tfl from "@tensorflow/tfjs-layers";
import { registerBackend } from "../../src/backend/mod.ts";
import { saveLayersModel } from "./layers_model.ts";
import { openModel } from "./open_model.ts";

const CFG = "[net]\nheight=4\nwidth=4\nchannels=1\n[convolutional]\nfilters=1\nsize=1\nactivation=linear\n";

Deno.test("openModel() opens a net of darknet by its configuration or its weights, which lie beside each other", async () => {
  await registerBackend();
  const dir = Deno.makeTempDirSync();
  try {
    const log: string[] = [];
    const open = (name: string, seed = 0) =>
      openModel(`${dir}/${name}`, { seed, log: (line) => log.push(line.replaceAll(dir, "DIR")) });
    const kernelOf = (model: tfl.LayersModel) => model.getWeights()[0].dataSync()[0];
    Deno.writeTextFileSync(`${dir}/net.cfg`, CFG);
    assert.notEqual(kernelOf(await open("net.cfg", 1)), kernelOf(await open("net.cfg", 2)));
    assert.match(
      log[0],
      /^"DIR\/net\.cfg" has no weights beside it \("DIR\/net\.weights"\): it begins with fresh ones\.$/,
    );
    const numbers = new Uint8Array(28);
    new DataView(numbers.buffer).setInt32(4, 2, true);
    new DataView(numbers.buffer).setFloat32(24, 0.5, true);
    Deno.writeFileSync(`${dir}/net.weights`, numbers);
    for (const name of ["net.cfg", "net.weights"]) {
      assert.equal(kernelOf(await open(name)), 0.5);
      assert.match(log.at(-1)!, /^"DIR\/net\.cfg" has the weights of "DIR\/net\.weights"; nothing runs darknet's nets/);
    }
    // A folder may be called as it likes.
    for (const name of ["own", "folder.onnx", "folder.cfg", "folder.weights"]) {
      const own = tfl.sequential({ layers: [tfl.layers.dense({ units: 2, inputShape: [3] })] });
      await saveLayersModel(own, `${dir}/${name}`);
      assert.deepEqual((await open(name)).outputShape, [null, 2]);
    }
    assert.equal(log.length, 4);
    await assert.rejects(open("none.weights"), /^ModelFileError: Cannot load ".*none\.cfg": /);
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});
