import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

const ROOT = new URL("../..", import.meta.url);
const CONFIG = fileURLToPath(new URL("deno.json", ROOT));

/** Runs a model, and stays for as long as the library takes to look up its host (0.3 s, where telemetry is on). */
const PROGRAM = `
import { GraphBuilder } from "${new URL("src/onnx/writer.ts", ROOT)}";
import { encodeModel } from "${new URL("src/onnx/file/mod.ts", ROOT)}";
import { Session } from "${new URL("src/runtime/session.ts", ROOT)}";
const b = new GraphBuilder();
const y = b.node("Relu", [b.input("float32", [1], "x")]);
const session = new Session(encodeModel(b.build("test", [y.name])), { threads: 1 });
session.run({ x: { dtype: "float32", shape: [1], data: Float32Array.of(-1) } });
session.dispose();
await new Promise((resolve) => setTimeout(resolve, 500));
`;

/** Permissions that ONNX Runtime can be loaded with; the last is the least. */
const PERMISSIONS: readonly (readonly string[])[] = [
  ["--allow-all"],
  ["--allow-ffi", "--allow-env=ORT_DISABLE_TELEMETRY"],
  ["--allow-ffi", "--ignore-env"],
  ["--allow-ffi", "--ignore-env", "--allow-env=TERM"],
  ["--allow-ffi"],
  [`--allow-ffi=${fileURLToPath(new URL("../bin", import.meta.resolve("onnxruntime-node")))}`],
];

/** What writes down the calls of a process that speak to the network, where it is installed and may be run. */
const STRACE = "/usr/bin/strace";
const canTrace = Deno.permissions.querySync({ name: "run", command: STRACE }).state === "granted";

interface Traces {
  /** Files in what were the folders of a user and the one for temporary files. */
  readonly files: readonly string[];
  /** Calls that look up or reach a host; undefined where nothing can tell. */
  readonly network: readonly string[] | undefined;
}

/** Runs the program as a user whom nothing is known of, who did not switch telemetry off. */
async function run(permissions: readonly string[]): Promise<Traces> {
  const [home, folder] = [Deno.makeTempDirSync(), Deno.makeTempDirSync()];
  try {
    const deno = [Deno.execPath(), "run", `--config=${CONFIG}`, "--no-prompt", ...permissions, `${folder}/program.ts`];
    const [command, ...args] = canTrace
      ? [STRACE, "-f", "-qq", "-e", "network", "-o", `${folder}/calls`, ...deno]
      : deno;
    Deno.writeTextFileSync(`${folder}/program.ts`, PROGRAM);
    const { code, stderr } = await new Deno.Command(command, {
      args,
      cwd: ROOT,
      clearEnv: true,
      env: {
        HOME: home,
        XDG_CACHE_HOME: home,
        TMPDIR: home,
        ORT_DISABLE_TELEMETRY: "0",
        DENO_DIR: await denoDir(),
        // Deno itself asks whether there is a newer one.
        DENO_NO_UPDATE_CHECK: "1",
      },
      stdout: "null",
    }).output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
    return { files: filesIn(home), ...readCalls(`${folder}/calls`) };
  } finally {
    for (const dir of [home, folder]) Deno.removeSync(dir, { recursive: true });
  }
}

async function denoDir(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  return JSON.parse(new TextDecoder().decode(stdout)).denoDir;
}

function filesIn(dir: string): string[] {
  return [...Deno.readDirSync(dir)].flatMap(({ name, isDirectory }) => {
    const path = `${dir}/${name}`;
    return isDirectory ? filesIn(path) : [path];
  });
}

function readCalls(path: string): Pick<Traces, "network"> {
  if (!canTrace) return { network: undefined };
  // A look-up asks the name service's own socket, or a server of names.
  return { network: Deno.readTextFileSync(path).split("\n").filter((line) => /AF_INET|nscd|resolve/.test(line)) };
}

for (const permissions of PERMISSIONS) {
  const ignore = Deno.build.os === "windows";
  Deno.test(`ONNX Runtime writes no file and looks up no host under ${permissions.join(" ")}`, { ignore }, async () => {
    assert.deepEqual(await run(permissions), { files: [], network: canTrace ? [] : undefined });
  });
}

Deno.test("importing without --allow-ffi names the flag and the file that needs it", async () => {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", new URL("src/runtime/session.ts", ROOT).href],
    cwd: ROOT,
  }).output();
  assert.equal(code, 1);
  assert.match(new TextDecoder().decode(stderr), /onnxruntime_binding\.node".* --allow-ffi/);
});

Deno.test("library.ts is the only module that loads ONNX Runtime", () => {
  const sources = sourcesIn(fileURLToPath(ROOT)).filter((path) => /\.(ts|ipynb)$/.test(path));
  const loads = /(?:from|import|resolve|require)\b[ (]*\\?["'](?:npm:\/?)?onnxruntime-node/;
  const found = sources.filter((path) => loads.test(Deno.readTextFileSync(path)))
    .map((path) => path.slice(fileURLToPath(ROOT).length).replaceAll("\\", "/"));
  // The telemetry's and the tests ask where its files are.
  assert.deepEqual(found.sort(), [
    "src/runtime/_telemetry.ts",
    "src/runtime/library.ts",
    "src/runtime/library_test.ts",
    "tests/permissions_test.ts",
  ]);
});

function sourcesIn(dir: string): string[] {
  return [...Deno.readDirSync(dir)].flatMap(({ name, isDirectory }) => {
    if (name.startsWith(".") || name === "node_modules") return [];
    const path = `${dir}${name}`;
    return isDirectory ? sourcesIn(`${path}/`) : [path];
  });
}
