import assert from "node:assert/strict";
import { commandOf, flagOf } from "./_flags.ts";
import { resolveOptions, withMosaics } from "./options.ts";

Deno.test("resolveOptions() fills in what the issue of the job asks for", () => {
  const { arch, data, epochs, floatEpochs, adaptEpochs, swap, freezeObserversAfter, freezeBnAfter, perChannel } =
    resolveOptions({});
  assert.deepEqual({
    arch,
    data,
    epochs,
    floatEpochs,
    adaptEpochs,
    swap,
    freezeObserversAfter,
    freezeBnAfter,
    perChannel,
  }, {
    arch: undefined,
    data: "generated",
    epochs: 8,
    floatEpochs: 16,
    adaptEpochs: 4,
    swap: "leaky_relu:relu",
    freezeObserversAfter: 4,
    freezeBnAfter: 3,
    perChannel: undefined,
  });
});

Deno.test("resolveOptions() trains a loaded model in float only when asked to", () => {
  const { floatEpochs, adaptEpochs } = resolveOptions({ model: "model.json" });
  assert.deepEqual([floatEpochs, adaptEpochs], [0, 0]);
  const controls = [{}, { model: "model.json" }, { model: "model.json", control: true }, { control: false }];
  assert.deepEqual(controls.map((options) => resolveOptions(options).control), [true, false, true, false]);
  assert.equal(resolveOptions({ model: "model.json", floatEpochs: 3 }).adaptEpochs, 3);
  assert.equal(resolveOptions({ model: "model.json", floatEpochs: 3, adaptEpochs: 1 }).adaptEpochs, 1);
});

Deno.test("resolveOptions() lets LeakyReLU go gradually within the epochs of adapting, and nothing else", () => {
  const epochs = (options: object) => resolveOptions(options).swapEpochs;
  assert.deepEqual([epochs({}), epochs({ swapEpochs: 4 }), epochs({ model: "m", swapEpochs: 0 })], [0, 4, 0]);
  assert.throws(() => epochs({ swapEpochs: 5 }), /--swap-epochs 5 with --adapt-epochs 4: it must not be more/);
  assert.throws(() => epochs({ swapEpochs: 2, swap: "silu:relu" }), /--swap-epochs 2 with --swap "silu:relu": only/);
  assert.throws(() => epochs({ swapEpochs: 2, swap: "none" }), /only leaky_relu:relu can go gradually/);
  assert.throws(() => epochs({ swapEpochs: 0.5 }), /--swap-epochs 0.5: it must be a whole number/);
});

Deno.test("resolveOptions() ends mosaics after half of the epochs, unless it is told when", () => {
  const until = (options: object) => resolveOptions({ task: "detection", ...options }).mosaicUntil;
  assert.deepEqual([until({}), until({ epochs: 5 }), until({ epochs: 1 }), until({ mosaicUntil: 7 })], [4, 2, 0, 7]);
  assert.equal(until({ mosaicUntil: 5, epochs: 1 }), 5);
});

Deno.test("resolveOptions() ends no mosaics where none are drawn, and refuses to be told when", () => {
  for (const none of [{ task: "classification" }, { task: "landmarks" }, { task: "detection", augment: false }]) {
    assert.ok(!("mosaicUntil" in resolveOptions(none)), JSON.stringify(none));
  }
  assert.throws(
    () => resolveOptions({ task: "segmentation", mosaicUntil: 0 }),
    /^RangeError: Cannot use --mosaic-until 0 with --task segmentation: it is for --task detection$/,
  );
  assert.throws(
    () => resolveOptions({ task: "detection", augment: false, mosaicUntil: 2 }),
    /^RangeError: Cannot use --mosaic-until 2 with --no-augment: pictures are taken as they are, none is put together/,
  );
  // Which task it is may be the model's to say.
  const unknown = resolveOptions({ model: "m", epochs: 6 });
  assert.equal(unknown.mosaicUntil, undefined);
  assert.equal(withMosaics({ ...unknown, task: "detection" }).mosaicUntil, 3);
  assert.throws(
    () => withMosaics({ ...unknown, mosaicUntil: 2, task: "classification" }),
    /it is for --task detection$/,
  );
});

Deno.test("commandOf() writes options as flags that a shell reads back", () => {
  const command = commandOf({
    model: "my model/it's.json",
    data: "folder:/photos",
    augment: false,
    perChannel: false,
    skipBadImages: true,
    keepFloat: ["conv1", "dense (last)"],
    lr: 1e-4,
    threads: undefined,
  });
  assert.equal(
    command,
    `deno task qat --model 'my model/it'\\''s.json' --data folder:/photos --no-augment --per-tensor --skip-bad-images ` +
      `--keep-float conv1 'dense (last)' --lr 0.0001`,
  );
  assert.equal(
    commandOf({ skipBadImages: false, perChannel: true, augment: true }),
    "deno task qat --per-channel --augment",
  );
  assert.equal(commandOf({ control: false, validation: 0 }), "deno task qat --no-control --validation 0");
  assert.equal(commandOf({ control: true, precise: false }), "deno task qat --control");
});

Deno.test("flagOf() writes an option as a flag", () => {
  assert.deepEqual(["lr", "freezeBnAfter"].map(flagOf), ["--lr", "--freeze-bn-after"]);
});

/** Values that no option takes, whatever its kind; some for each kind that is none of its own. */
const HOSTILE: readonly unknown[] = [
  NaN,
  Infinity,
  -Infinity,
  -1,
  1e999,
  2 ** 53,
  0.5,
  1n,
  null,
  "",
  "  ",
  "a\0b",
  "x".repeat(1e5),
  "\x1b[2J\n",
  "__proto__",
  [],
  [1],
  [[]],
  {},
  { toString: () => "8" },
  () => 8,
  Symbol("eight"),
  new Date(0),
];

Deno.test("resolveOptions() takes or refuses any value of any option, in one line that names it", () => {
  const { model: _, ...all } = resolveOptions({ targets: ["y"], normalize: "0..1", threads: 1, limit: 5 });
  const keys = [...Object.keys(all), "model", "arch", "task", "outputs", "target", "recipe", "perChannel", "augment"];
  let refused = 0;
  for (const key of keys) {
    for (const value of HOSTILE) {
      try {
        resolveOptions({ [key]: value });
      } catch (error) {
        refused++;
        assert.ok(error instanceof RangeError, `${key}: ${error}`);
        assert.match(error.message, new RegExp(`^Cannot use ${flagOf(key)} .*[^ ]$`));
        assert.ok(error.message.length <= 1001 && !/\p{Cc}/u.test(error.message), error.message);
      }
    }
  }
  assert.ok(refused > 0.8 * keys.length * HOSTILE.length, `${refused} of ${keys.length * HOSTILE.length}`);
});

Deno.test("resolveOptions() refuses options that it does not know, and what are no options", () => {
  const of = (options: object) => () => resolveOptions(options);
  assert.throws(
    of({ epoch: 3 }),
    /^RangeError: Cannot use the option "epoch": needed is one of .*\(did you mean "epochs"\?\)$/,
  );
  assert.throws(of({ constructor: 3 }), /Cannot use the option "constructor"/);
  assert.throws(of(JSON.parse('{"__proto__": 1}')), /Cannot use the option "__proto__"/);
  assert.throws(of([]), /^TypeError: Cannot use \[\] as options: an object is needed$/);
  assert.doesNotThrow(of({ epochs: undefined, targets: ["a"], keepFloat: [] }));
});

Deno.test("resolveOptions() takes a width of an architecture, and none of a model", () => {
  assert.equal(resolveOptions({ arch: "mobilenet_v2", width: 0.35 }).width, 0.35);
  assert.equal(resolveOptions({ arch: "mobilenet_v2" }).width, undefined);
  assert.throws(() => resolveOptions({ model: "m", width: 0.5 }), /^RangeError: Cannot use --width 0.5 with --model: /);
  for (const width of [0, -1, NaN, 9]) {
    assert.throws(() => resolveOptions({ width }), /^RangeError: Cannot use --width /);
  }
});

Deno.test("resolveOptions() trains each task in batches of its own, and landmarks at lower rates that rise over an epoch", () => {
  const warmupOf = (options: Parameters<typeof resolveOptions>[0]) => resolveOptions(options).warmupEpochs;
  const points = { task: "landmarks", arch: "resnet18", data: "generated:faces" };
  assert.equal(warmupOf(points), 1);
  assert.equal(warmupOf({ ...points, epochs: 1 }), 0.5);
  assert.equal(warmupOf({ ...points, floatEpochs: 0, epochs: 3 }), 1);
  assert.equal(warmupOf({ ...points, warmupEpochs: 0 }), 0);
  assert.equal(warmupOf({ ...points, warmupEpochs: 2 }), 2);
  assert.equal(warmupOf({}), 0);
  const batches = ["detection", "segmentation", "landmarks", "classification", "regression"].map((task) =>
    resolveOptions({ ...points, task }).batchSize
  );
  assert.deepEqual([...batches, resolveOptions({ batchSize: 5 }).batchSize], [8, 16, 32, 64, 64, 5]);
  const ratesOf = (options: Parameters<typeof resolveOptions>[0]) => {
    const { floatLr, lr } = resolveOptions(options);
    return [floatLr, lr];
  };
  assert.deepEqual([points, {}, { ...points, floatLr: 0.1 }, { ...points, lr: 0.2 }].map(ratesOf), [
    [5e-4, 1e-4],
    [2e-3, 5e-4],
    [0.1, 1e-4],
    [5e-4, 0.2],
  ]);
});
