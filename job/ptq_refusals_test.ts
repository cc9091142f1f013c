import assert from "node:assert/strict";
import * as tfl from "@tensorflow/tfjs-layers";
import { pictures, save, tinyModel, withFolder } from "./_test_support.ts";
import { runPtq } from "./ptq.ts";
import { PTQ_METHODS } from "../quantize/target.ts";
import { METHODS_OF, PTQ_KINDS, type PtqOptions, resolvePtqOptions } from "./ptq_options.ts";

/** Options of the smallest job. */
const QUICK = { samples: 16, limit: 20, precise: true, threads: 1, overwrite: true } satisfies PtqOptions;

/** Refusals: the options, and what is said. */
const REFUSALS: readonly (readonly [what: string, options: PtqOptions, message: RegExp])[] = [
  ["no samples", {}, /^Cannot quantize ".*" without --calibrate: samples are needed to find ranges on, or "dummy"/],
  [
    "calibration of another method",
    { method: "dynamic", calibrate: "generated" },
    /^Cannot use --calibrate generated with --method dynamic: it is for static$/,
  ],
  [
    "steps of another method",
    { method: "weights", equalize: true },
    /^Cannot use --equalize with --method weights: it is for static$/,
  ],
  [
    "an observer of another method",
    { method: "float16", observer: "min-max" },
    /--observer min-max with --method float16/,
  ],
  [
    "4 bits of activations",
    { calibrate: "dummy", bits: 4 },
    /^Cannot use --bits 4 with --method static: 4 are for weights/,
  ],
  ["5 bits", { method: "weights", bits: 5 }, /^Cannot use --bits 5 with --method weights: it must be 8 or 4$/],
  ["bits of float16", { method: "float16", bits: 8 }, /^Cannot use --bits 8 with --method float16/],
  [
    "blocks of activations",
    { calibrate: "dummy", block: 32 },
    /^Cannot use --block 32 with --method static: it is for weights$/,
  ],
  [
    "a block that is no power of 2",
    { method: "weights", bits: 4, block: 24 },
    /block.*it is 24, needed is a power of 2/,
  ],
  [
    "an unknown method",
    { method: "dynamik" as "dynamic" },
    /--method "dynamik": needed is one of .*\(did you mean "dynamic"\?\)$/,
  ],
  [
    "an unknown observer",
    { calibrate: "dummy", observer: "entropie" as "min-max" },
    /--observer "entropie": needed is one of/,
  ],
  [
    "too few samples to ask for",
    { calibrate: "generated", samples: 7 },
    /^Cannot use --samples 7: it must be a whole number from 8 to/,
  ],
  [
    "too few samples",
    { calibrate: "generated", data: "generated", limit: 5 },
    /^Cannot calibrate ".*" on "generated": it has 5 samples .*, at least 8 are needed/,
  ],
  [
    "a method that the target cannot hold",
    { method: "weights", target: "simulation" },
    /^Cannot use --method weights for target "simulation": it is for qat and static; target "x86" can hold it$/,
  ],
  ["an option of training", { calibrate: "dummy", epochs: 3 } as PtqOptions, /^Cannot use the option "epochs"/],
  [
    "layers all in float",
    { calibrate: "dummy", keepFloat: ["conv", "conv2", "dense"] },
    /^Cannot quantize ".*": it has no layer whose weights run on integers, and \d+ of its layers stay in float/,
  ],
];

/** What options are asked for with, where one of their kind is not any. */
const ASKED: Readonly<Record<string, unknown>> = {
  method: undefined,
  model: "model.json",
  task: "classification",
  boxLoss: "ciou",
  pointLoss: "l2",
  observer: "min-max",
  swap: "none",
  normalize: "0..1",
  shape: ["image=1,8,8,3"],
  backend: "cpu",
  device: "cpu",
  inputLayout: "nchw",
  input: "uint8",
  format: "qoperator",
  bits: 8,
  block: 32,
  samples: 16,
  opset: 15,
  inputSize: 32,
};

const OF_KIND = { text: "some", names: ["some"], flag: true, number: 1 } as const;

/** Flags of what an option is asked for with, as a message says them. */
const SAID: Readonly<Record<string, string>> = {
  perChannel: "--per-channel",
  format: "--format qoperator",
  keepFloat: "--keep-float some",
  reduceRange: "--reduce-range",
  packPixels: "--pack-pixels",
  block: "--block 32",
};

Deno.test("resolvePtqOptions() refuses every option with the methods that have no use for it, and takes it with the others", () => {
  assert.deepEqual(new Set(Object.keys(METHODS_OF)), new Set(Object.keys(PTQ_KINDS)));
  for (const [option, kind] of Object.entries(PTQ_KINDS)) {
    for (const method of PTQ_METHODS) {
      const value = Object.hasOwn(ASKED, option) ? ASKED[option] : OF_KIND[kind as keyof typeof OF_KIND];
      // What belongs to an option that is not there is refused for that.
      const calibrate = method === "static" ? { calibrate: "dummy", smooth: true } : {};
      const resolving = () => resolvePtqOptions({ model: "in", ...calibrate, method, [option]: value ?? method });
      const methods: readonly string[] = METHODS_OF[option as keyof typeof METHODS_OF];
      if (methods.includes(method)) assert.doesNotThrow(resolving, `${option} with ${method}`);
      else {
        assert.throws(resolving, ({ message }: Error) => {
          assert.ok(message.startsWith(`Cannot use ${SAID[option] ?? "--"}`), message);
          assert.ok(message.endsWith(` with --method ${method}: it is for ${methods.join(" and ")}`), message);
          return true;
        }, `${option} with ${method}`);
      }
    }
  }
});

Deno.test("resolvePtqOptions() refuses one scale a tensor with methods that have their own, and no flag that is off", () => {
  for (const method of ["dynamic", "weights", "float16"] as const) {
    const message = `Cannot use --per-tensor with --method ${method}: it is for static`;
    assert.throws(() => resolvePtqOptions({ model: "in", method, perChannel: false }), { message });
    const off = { reduceRange: false, packPixels: false, strict: false, equalize: false, keepFloat: [] };
    assert.equal(resolvePtqOptions({ model: "in", method, ...off }).method, method);
  }
});

for (const [what, options, message] of REFUSALS) {
  Deno.test(`runPtq() refuses ${what}, and writes nothing`, () =>
    withFolder(async (dir) => {
      const model = await save(tinyModel(), `${dir}/in`);
      await assert.rejects(runPtq({ threads: 1, model, out: `${dir}/out`, ...options }), ({ message: said }: Error) => {
        assert.match(said, message);
        return true;
      });
      assert.deepEqual([...Deno.readDirSync(dir)].map(({ name }) => name), ["in"]);
    }));
}

Deno.test("runPtq() refuses a model without weights, a prepared one, images of another shape, and none at all", () =>
  withFolder(async (dir) => {
    const refuses = (model: string, message: RegExp, options: PtqOptions = {}) =>
      assert.rejects(runPtq({ ...QUICK, model, calibrate: "generated", out: `${dir}/out`, ...options }), message);
    const pool = tfl.layers.globalAveragePooling2d({ inputShape: [8, 8, 3] });
    await refuses(
      await save(tfl.sequential({ layers: [pool] }), `${dir}/pool`),
      /no layer whose weights run on integers/,
    );
    const tiny = await save(tinyModel(), `${dir}/in`);
    await runPtq({ ...QUICK, model: tiny, calibrate: "generated", out: `${dir}/first` });
    await refuses(`${dir}/first`, /it is prepared for quantization already, a float model is needed/);
    const five = await save(tinyModel({ inputShape: [8, 8, 5] }), `${dir}/five`);
    await refuses(five, /^TypeError: Cannot feed "generated train" to ".*": its input is \[\?,8,8,5\]/);
    await assert.rejects(runPtq({ calibrate: "dummy" }), /^RangeError: Cannot quantize without --model/);
    const empty = await pictures(`${dir}/empty`, 0);
    await refuses(tiny, /Cannot read .*empty.*it is empty/, { calibrate: empty });
  }));

/** Saves a model of rows of numbers. */
function rowsModel(dir: string): Promise<string> {
  const dense = tfl.layers.dense({ units: 4, activation: "relu", inputShape: [6] });
  return save(tfl.sequential({ layers: [dense, tfl.layers.dense({ units: 2 })] }), dir);
}

Deno.test("runPtq() refuses options for images of rows of numbers, random ones too", () =>
  withFolder(async (dir) => {
    const model = await rowsModel(`${dir}/in`);
    const options = [{ inputLayout: "nchw" }, { input: "uint8" }, { normalize: "0..1" }] as const;
    for (const [i, flag] of ["--input-layout", "--input", "--normalize"].entries()) {
      for (const calibrate of [{ calibrate: "dummy" }, { method: "float16" } as const]) {
        await assert.rejects(
          runPtq({ ...QUICK, ...calibrate, samples: undefined, model, ...options[i], out: `${dir}/a` }),
          {
            message: `Cannot use ${flag} with "dummy": it is for images, the data are rows of numbers`,
          },
        );
      }
    }
  }));

Deno.test("runPtq() says where no pixels can be packed, as it runs and in the report", () =>
  withFolder(async (dir) => {
    const model = await rowsModel(`${dir}/in`);
    const lines: string[] = [];
    const options = { ...QUICK, model, calibrate: "dummy", packPixels: true, out: `${dir}/out` };
    const report = await runPtq(options, { log: (line) => lines.push(line) });
    const because = "the file has no convolution that could read several pixels as one";
    assert.ok(lines.includes(`  --pack-pixels changes nothing: ${because}`), lines.join("\n"));
    assert.deepEqual(report.declined?.filter(({ pass }) => pass === "packPixels").map((one) => one.because), [because]);
  }));
