import assert from "node:assert/strict";
import { MathBackendCPU } from "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { useBackend } from "./_test_support.ts";
import { BACKEND } from "./mod.ts";
import { selectBackend } from "./select.ts";

const INSTALL = "needed is libtensorflow, installed by deno install --no-lock --node-modules-dir=auto " +
  "--allow-scripts=npm:@tensorflow/tfjs-node --entrypoint npm:@tensorflow/tfjs-node@4.22.0, " +
  "and a program run with deno run -A --no-lock --node-modules-dir=auto";

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
      // Without it TF.js looks for NaN in what every operator gives.
      tf.env().set("PROD", false);
      assert.equal(await selectBackend(asked), name);
      assert.equal(tf.getBackend(), name);
      assert.equal(tf.env().get("PROD"), true);
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

/** Runs a program that asks for libtensorflow in a folder of its own, as users run one: with the project's lock file. */
async function askIn(folder: string): Promise<{ readonly printed: string; readonly lock: string }> {
  const program = `import { selectBackend } from "${new URL("select.ts", import.meta.url)}";
    console.log(await selectBackend("tensorflow").catch((error) => error.message));`;
  const lock = `${folder}/deno.lock`;
  Deno.copyFileSync(new URL("../../deno.lock", import.meta.url), lock);
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--lock", lock, "--config", new URL("../../deno.json", import.meta.url).pathname, program],
    cwd: folder,
    stderr: "null",
  }).output();
  return { printed: new TextDecoder().decode(stdout), lock: Deno.readTextFileSync(lock) };
}

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = Deno.makeTempDirSync();
  try {
    await work(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test('selectBackend("tensorflow") fetches nothing, and leaves the lock file, when it is not installed', () =>
  inFolder(async (folder) => {
    const { printed, lock } = await askIn(folder);
    // Where the project itself has it, it ends elsewhere.
    if (printed !== "tensorflow\n") {
      assert.match(printed, /^Cannot use backend "tensorflow": .*\n$/);
      assert.ok(printed.endsWith(`; ${INSTALL}\n`), printed);
    }
    assert.equal(lock, Deno.readTextFileSync(new URL("../../deno.lock", import.meta.url)));
  }));

Deno.test('selectBackend("tensorflow") imports what is installed in the current folder, and says what is wrong with it', () =>
  inFolder(async (folder) => {
    const dist = `${folder}/node_modules/@tensorflow/tfjs-node/dist`;
    Deno.mkdirSync(dist, { recursive: true });
    Deno.writeTextFileSync(`${dist}/index.js`, "globalThis.loaded = true;");
    const { printed } = await askIn(folder);
    const because = "the package that is installed has a TF.js of its own";
    assert.equal(printed, `Cannot use backend "tensorflow": ${because}; ${INSTALL}\n`);
  }));
