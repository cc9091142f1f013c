import assert from "node:assert/strict";
import { chooseQuantization } from "./choose.ts";
import { debugModel } from "./debug.ts";
import { importModel } from "./import.ts";
import { runPtq } from "./ptq.ts";
import { runQat } from "./qat.ts";

const JOBS: Readonly<Record<string, (options: { model: string; out: string }) => Promise<unknown>>> = {
  import: importModel,
  debug: (options) => debugModel({ ...options, data: "generated" }),
  choose: (options) => chooseQuantization({ ...options, data: "generated" }),
  ptq: (options) => runPtq({ ...options, calibrate: "dummy" }),
  qat: (options) => runQat({ ...options, data: "generated" }),
};

for (const [name, job] of Object.entries(JOBS)) {
  Deno.test(`${name} leaves no folder of its own behind where the model is damaged, and leaves those that were there`, async () => {
    const dir = Deno.makeTempDirSync();
    try {
      const model = `${dir}/net.onnx`;
      Deno.writeTextFileSync(model, "hello");
      await assert.rejects(job({ model, out: `${dir}/a/b` }), /Cannot load ".*net.onnx": /);
      assert.deepEqual([...Deno.readDirSync(dir)].map(({ name }) => name), ["net.onnx"]);
      Deno.mkdirSync(`${dir}/a`);
      await assert.rejects(job({ model, out: `${dir}/a` }), /Cannot load ".*net.onnx": /);
      assert.deepEqual([...Deno.readDirSync(`${dir}/a`)], []);
    } finally {
      Deno.removeSync(dir, { recursive: true });
    }
  });
}
