import assert from "node:assert/strict";
import { MathBackendCPU } from "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { useBackend } from "./_test_support.ts";
import { BACKEND } from "./mod.ts";
import { selectBackend } from "./select.ts";

const INSTALL = "needed is libtensorflow, installed by deno install --node-modules-dir=auto " +
  "--allow-scripts=npm:@tensorflow/tfjs-node --entrypoint npm:@tensorflow/tfjs-node@4.22.0, " +
  "and a program run with deno run -A --node-modules-dir=auto";

/** Does what importing `@tensorflow/tfjs-node` does, with TF.js's cpu backend in place of libtensorflow. */
function loadStandIn(): Promise<void> {
  tf.copyRegisteredKernels("cpu", "tensorflow");
  tf.registerBackend("tensorflow", () => new MathBackendCPU(), 3);
  return Promise.resolve();
}

/** Fits y = w·x by one step of gradient descent from w = 0, to w = 2·mean(x·y). */
function fitLine(): number {
  return tf.tidy(() => {
    const w = tf.variable(tf.scalar(0));
    const x = tf.tensor1d([1, 2]);
    tf.train.sgd(1).minimize(() => tf.mean(tf.square(tf.sub(tf.mul(w, x), tf.tensor1d([3, 6])))), false, [w]);
    const [value] = w.dataSync();
    w.dispose();
    return value;
  });
}

for (const [asked, name] of [["auto", BACKEND], [BACKEND, BACKEND], ["cpu", "cpu"]] as const) {
  Deno.test(`selectBackend("${asked}") makes TF.js train on ${name}`, async () => {
    try {
      assert.equal(await selectBackend(asked), name);
      assert.equal(tf.getBackend(), name);
      assert.equal(fitLine(), 15);
    } finally {
      await useBackend();
    }
  });
}

Deno.test('selectBackend("tensorflow") makes TF.js train on what it loads', async () => {
  await useBackend();
  try {
    assert.equal(await selectBackend("tensorflow", { loadTensorflow: loadStandIn }), "tensorflow");
    assert.equal(tf.getBackend(), "tensorflow");
    assert.equal(fitLine(), 15);
  } finally {
    await useBackend();
    tf.removeBackend("tensorflow");
    for (const { kernelName } of tf.getKernelsForBackend("tensorflow")) tf.unregisterKernel(kernelName, "tensorflow");
  }
});

Deno.test('selectBackend("tensorflow") says in one line why it cannot and how to install it', async () => {
  await useBackend();
  const loadTensorflow = () =>
    Promise.reject(new Error("The addon can not be found at path: /x/tfjs_binding.node. \nPlease run 'npm rebuild'."));
  await assert.rejects(selectBackend("tensorflow", { loadTensorflow }), {
    message: `Cannot use backend "tensorflow": The addon can not be found at path: /x/tfjs_binding.node; ${INSTALL}`,
  });
  assert.equal(tf.getBackend(), BACKEND);
});

Deno.test('selectBackend("tensorflow") imports tfjs-node as far as its native part', async () => {
  const program = `import { selectBackend } from "${new URL("select.ts", import.meta.url)}";
    console.log(await selectBackend("tensorflow").catch((error) => error.message));`;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    // Without the lock file: a package that is imported when asked for would be written into it.
    args: ["eval", "--no-lock", "--config", new URL("../../deno.json", import.meta.url).pathname, program],
    stderr: "null",
  }).output();
  const printed = new TextDecoder().decode(stdout);
  // Where libtensorflow is installed, or no registry can be reached, it ends elsewhere.
  if (printed === "tensorflow\n") return;
  assert.ok(printed.startsWith('Cannot use backend "tensorflow": ') && printed.endsWith(`; ${INSTALL}\n`), printed);
  assert.equal(printed.indexOf("\n"), printed.length - 1);
});
