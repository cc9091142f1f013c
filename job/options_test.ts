import assert from "node:assert/strict";
import { commandOf, flagOf } from "./_flags.ts";
import { resolveOptions } from "./options.ts";

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
    floatEpochs: 8,
    adaptEpochs: 2,
    swap: "leaky_relu:relu",
    freezeObserversAfter: 4,
    freezeBnAfter: 3,
    perChannel: undefined,
  });
});

Deno.test("resolveOptions() trains a loaded model in float only when asked to", () => {
  const { floatEpochs, adaptEpochs } = resolveOptions({ model: "model.json" });
  assert.deepEqual([floatEpochs, adaptEpochs], [0, 0]);
  assert.equal(resolveOptions({ model: "model.json", floatEpochs: 3 }).adaptEpochs, 3);
  assert.equal(resolveOptions({ model: "model.json", floatEpochs: 3, adaptEpochs: 1 }).adaptEpochs, 1);
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
});

Deno.test("flagOf() writes an option as a flag", () => {
  assert.deepEqual(["lr", "freezeBnAfter"].map(flagOf), ["--lr", "--freeze-bn-after"]);
});
