/** What sessions hand to ONNX Runtime's binding, word by word: what comes of it shows on some machines only. */
import assert from "node:assert/strict";
import { GraphBuilder } from "../onnx/writer.ts";
import { encodeModel } from "../onnx/file/mod.ts";
import { type Binding, binding, ort } from "./library.ts";
import { providersOf } from "./providers.ts";
import { listDevices, ORT_VERSION, Session, type SessionOptions } from "./session.ts";
import config from "../../deno.json" with { type: "json" };

type Loaded = Parameters<Binding.InferenceSession["loadModel"]>;

/** What the binding was asked to do, in its order. */
interface Calls {
  readonly loads: Loaded[];
  readonly done: string[];
}

/** Runs `work` with a binding that writes down what it is asked to do; sessions have the input and output `port`. */
function withBinding(port: Binding.ValueMetadata, work: (calls: Calls) => void): void {
  const calls: Calls = { loads: [], done: [] };
  class Watched {
    readonly inputMetadata = [port];
    readonly outputMetadata = [port];
    loadModel(...args: Loaded): void {
      calls.loads.push(args);
    }
    run(): Record<string, never> {
      calls.done.push("run");
      return {};
    }
    endProfiling(): void {
      calls.done.push("endProfiling");
    }
    dispose(): void {
      calls.done.push("dispose");
    }
  }
  const before = Object.getOwnPropertyDescriptor(binding, "InferenceSession")!;
  Object.defineProperty(binding, "InferenceSession", { value: Watched, configurable: true, writable: true });
  try {
    work(calls);
  } finally {
    Object.defineProperty(binding, "InferenceSession", before);
  }
}

const FLOAT: Binding.ValueMetadata = { name: "x", isTensor: true, symbolicDimensions: [], shape: [-1, 3], type: 1 };

/** The options that the binding gets for those of a session. */
function handedOver(options?: SessionOptions): unknown {
  let handed: unknown;
  withBinding(FLOAT, ({ loads }) => {
    new Session(Uint8Array.of(1), options);
    assert.equal(loads.length, 1);
    handed = loads[0][3];
  });
  return handed;
}

const DEFAULTS = {
  executionMode: "sequential",
  graphOptimizationLevel: "all",
  enableMemPattern: true,
  extra: { session: {} },
  logSeverityLevel: 3,
};

const session = (entries: Readonly<Record<string, string>>) => ({ extra: { session: entries } });

/** Options of a session, and in what the binding's differ from the defaults. */
const CASES: readonly (readonly [SessionOptions, object])[] = [
  [{}, {}],
  [{ device: "cpu" }, {}],
  [{ device: "cuda" }, { executionProviders: ["cuda"] }],
  [{ device: "webgpu" }, { executionProviders: ["webgpu"] }],
  [{ device: "coreml" }, { executionProviders: ["coreml"] }],
  [{ threads: 1 }, { intraOpNumThreads: 1, interOpNumThreads: 1 }],
  [{ threads: 7 }, { intraOpNumThreads: 7, interOpNumThreads: 1 }],
  [{ optimization: "disabled" }, { graphOptimizationLevel: "disabled" }],
  [{ optimization: "basic" }, { graphOptimizationLevel: "basic" }],
  [{ optimization: "extended" }, { graphOptimizationLevel: "extended" }],
  [{ optimization: "all" }, {}],
  [{ memoryPattern: true }, {}],
  [{ memoryPattern: false }, { enableMemPattern: false }],
  [{ keepQdq: false, precise: false, int8Activations: false }, {}],
  [{ keepQdq: true }, session({ disable_quant_qdq: "1", disable_double_qdq_remover: "1" })],
  [{ precise: true }, session({ x64quantprecision: "1" })],
  [{ int8Activations: true }, session({ qdqisint8allowed: "1" })],
  [{ precise: true, int8Activations: true }, session({ qdqisint8allowed: "1" })],
  [{ precise: true, int8Activations: false }, session({ x64quantprecision: "1" })],
  [{ optimizedModelPath: "a/b.onnx" }, { optimizedModelFilePath: "a/b.onnx" }],
  [{ optimizedModelPath: "c", optimizedModelFormat: "onnx" }, { optimizedModelFilePath: "c" }],
  [
    { optimizedModelPath: "d", optimizedModelFormat: "ort" },
    { optimizedModelFilePath: "d", ...session({ save_model_format: "ORT" }) },
  ],
  [{ profilePrefix: "p/q" }, { enableProfiling: true, profileFilePrefix: "p/q" }],
  [
    { keepQdq: true, precise: true, optimizedModelFormat: "ort" },
    session({
      disable_quant_qdq: "1",
      disable_double_qdq_remover: "1",
      x64quantprecision: "1",
      save_model_format: "ORT",
    }),
  ],
];

for (const [options, differs] of CASES) {
  Deno.test(`Session hands ${JSON.stringify(options)} to ONNX Runtime as its binding calls it`, () => {
    assert.deepEqual(handedOver(options), { ...DEFAULTS, ...differs });
  });
}

Deno.test("Session hands over its part of a buffer, and the defaults without options", () => {
  const whole = Uint8Array.of(9, 1, 2, 3, 9);
  withBinding(FLOAT, ({ loads }) => {
    new Session(whole.subarray(1, 4));
    assert.deepEqual(loads, [[whole.buffer, 1, 3, DEFAULTS]]);
    assert.equal(loads[0][0], whole.buffer);
  });
});

Deno.test("Session ends the profile that was asked for before it frees itself, once", () => {
  for (const [options, done] of [[{}, ["dispose"]], [{ profilePrefix: "" }, ["endProfiling", "dispose"]]] as const) {
    withBinding(FLOAT, (calls) => {
      const made = new Session(Uint8Array.of(1), options);
      assert.deepEqual(calls.done, []);
      made.dispose();
      made.dispose();
      assert.deepEqual(calls.done, done);
    });
  }
});

Deno.test("Session refuses ports that no typed array can hold, by their names", () => {
  const text = { ...FLOAT, name: "words", type: 8 };
  const list = { ...FLOAT, name: "list", isTensor: false };
  for (const [port, code] of [[text, 8], [list, 1]] as const) {
    withBinding(port as Binding.ValueMetadata, () => {
      assert.throws(() => new Session(Uint8Array.of(1)), {
        name: "TypeError",
        message: `Cannot use "${port.name}": its element type, TensorProto code ${code}, has no JavaScript form`,
      });
    });
  }
});

Deno.test("Session keeps ONNX Runtime from logging what it throws, unless somebody asked for another level", () => {
  const before = ort.env.logLevel;
  try {
    for (const [asked, kept] of [["warning", "fatal"], ["error", "error"], ["fatal", "fatal"]] as const) {
      ort.env.logLevel = asked;
      withBinding(FLOAT, () => void new Session(Uint8Array.of(1)));
      assert.equal(ort.env.logLevel, kept);
    }
  } finally {
    ort.env.logLevel = before;
  }
});

Deno.test("ORT_VERSION is that of the package", () => {
  assert.equal(config.imports["onnxruntime-node"], `npm:onnxruntime-node@${ORT_VERSION}`);
});

Deno.test("listDevices() tells of each device whether it comes with the package", () => {
  assert.deepEqual(listDevices().find(({ device }) => device === "cpu"), { device: "cpu", bundled: true });
  assert.deepEqual(
    listDevices(),
    binding.listSupportedBackends().map(({ name, bundled }) => ({ device: name, bundled })),
  );
});

Deno.test("providersOf() feeds one sample, where the model leaves their number open, and leaves no file behind", () => {
  // [batch, 3] is made [1, 3], which no other batch can be.
  const b = new GraphBuilder();
  const y = b.node("Reshape", [b.input("float32", [1, 3], "x"), b.constant("int64", [2], [1, 3])]);
  const graph = b.build("test", [b.node("Relu", [y]).name]);
  const types = new Map(graph.types).set("x", { dtype: "float32", shape: ["batch", 3] });
  const folders: string[] = [];
  const make = Deno.makeTempDirSync;
  Deno.makeTempDirSync = (options) => {
    folders.push(make(options));
    return folders[folders.length - 1];
  };
  try {
    const model = encodeModel({ ...graph, types });
    assert.deepEqual(providersOf(model, { optimization: "disabled", threads: 1 }), { CPUExecutionProvider: 2 });
    assert.throws(() => providersOf(Uint8Array.of(1, 2, 3)), Error);
  } finally {
    Deno.makeTempDirSync = make;
  }
  assert.equal(folders.length, 2);
  for (const folder of folders) assert.throws(() => Deno.statSync(folder), Deno.errors.NotFound);
});
