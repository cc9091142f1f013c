/** How telemetry is switched off, under each permission and on each system, with nothing of it done to this process. */
import assert from "node:assert/strict";
import process from "node:process";
import { replace } from "../../tests/_support/replace.ts";

/** What the module finds. */
interface Machine {
  readonly platform?: string;
  /** Whether the variable may be seen and set. Default: it may. */
  readonly granted?: boolean;
  /** Whether Deno sets nothing, without a word. */
  readonly ignoresEnv?: boolean;
  /** What the C library's setenv gives, or what loading it ends in. */
  readonly setenv?: number | Error;
}

/** What the module did, in its order. */
type Deed = readonly [what: string, ...with: unknown[]];

let imports = 0;

/** Imports the module anew on such a machine. */
async function load({ platform = "linux", granted = true, ignoresEnv = false, setenv = 0 }: Machine): Promise<Deed[]> {
  const deeds: Deed[] = [];
  const env = new Map<string, string>();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  const symbols = {
    setenv: (name: Uint8Array, value: Uint8Array, overwrite: number) => {
      deeds.push(["setenv", text(name), text(value), overwrite]);
      return setenv;
    },
  };
  const restores = [
    replace(process, "platform", platform),
    replace(Deno.permissions, "querySync", () => ({ state: granted ? "granted" : "prompt" })),
    replace(Deno.env, "set", (name: string, value: string) => {
      deeds.push(["set", name, value]);
      if (!ignoresEnv) env.set(name, value);
    }),
    replace(Deno.env, "get", (name: string) => env.get(name)),
    replace(Deno, "dlopen", (url: URL) => {
      deeds.push(["dlopen", url.href.replace(/^.*\/(?=bin\/)/, "")]);
      if (setenv instanceof Error) throw setenv;
      return { symbols, close: () => deeds.push(["close"]) };
    }),
  ];
  try {
    await import(`${new URL("_telemetry.ts", import.meta.url)}?${++imports}`);
  } finally {
    for (const restore of restores) restore();
  }
  return deeds;
}

const VARIABLE = "ORT_DISABLE_TELEMETRY";
const BY_LIBRARY: readonly Deed[] = [
  ["dlopen", `bin/napi-v6/linux/${process.arch}/onnxruntime_binding.node`],
  ["setenv", `${VARIABLE}\0`, "1\0", 1],
  ["close"],
];

Deno.test("importing switches telemetry off by Deno where the variable may be set", async () => {
  assert.deepEqual(await load({}), [["set", VARIABLE, "1"]]);
});

Deno.test("importing switches telemetry off by the C library where Deno may not set it, or does nothing", async () => {
  assert.deepEqual(await load({ granted: false }), BY_LIBRARY);
  assert.deepEqual(await load({ ignoresEnv: true }), [["set", VARIABLE, "1"], ...BY_LIBRARY]);
});

Deno.test("importing does nothing on Windows, whose builds do not read the variable", async () => {
  for (const granted of [true, false]) assert.deepEqual(await load({ platform: "win32", granted }), []);
});

Deno.test("importing names the flag that is needed when telemetry cannot be switched off", async () => {
  for (const setenv of [-1, 1, new Error("no such symbol")]) {
    await assert.rejects(load({ granted: false, setenv }), {
      name: "Error",
      message:
        `Cannot load ONNX Runtime: its telemetry is on and cannot be switched off, --allow-env=${VARIABLE} is needed`,
      cause: setenv instanceof Error ? setenv : new Error(`setenv gave ${setenv}`),
    });
  }
});

Deno.test("importing throws Deno's own error when the library may not be loaded, which names the flag", async () => {
  const refused = new Deno.errors.NotCapable("Requires ffi access");
  await assert.rejects(load({ granted: false, setenv: refused }), (error) => error === refused);
});
