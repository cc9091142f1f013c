import assert from "node:assert/strict";
import { Writable } from "node:stream";
import type { EpochInfo, Reading, StepInfo } from "../../train/fit.ts";
import { formatDuration } from "../_progress.ts";
import { createProgress, fitBar } from "./progress.ts";

/** A stream that keeps what is written to it. */
function sink(isTTY: boolean) {
  const written: string[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      written.push(String(chunk));
      done();
    },
  });
  return { stream: Object.assign(stream, { isTTY, columns: 120 }), text: () => written.join("") };
}

const ACCURACY: Reading = { name: "accuracy", unit: "fraction", better: "higher", value: 0.875 };

function step(epoch: number, at: number): StepInfo {
  return {
    epoch,
    epochs: 2,
    step: at,
    stepsPerEpoch: 4,
    loss: 0.5,
    meanLoss: 0.25,
    metrics: [ACCURACY],
    samplesPerSecond: 1234.4,
    stepMs: 10,
  };
}

const EPOCH: EpochInfo = {
  epoch: 1,
  epochs: 2,
  loss: 0.25,
  metrics: [ACCURACY],
  observing: false,
  fakeQuantizing: true,
  trainingBatchNorm: false,
  steps: 4,
  stepMs: 10,
  samplesPerSecond: 1234.4,
};

Deno.test("createProgress() writes one line an epoch when the stream is no terminal", () => {
  const { stream, text } = sink(false);
  let now = 0;
  const progress = createProgress({ stream, now: () => now });
  progress.start("qat");
  for (const at of [1, 2, 3, 4]) {
    now += 5000;
    progress.step(step(1, at));
  }
  progress.epochEnd(EPOCH, [{ ...ACCURACY, name: "simulated", value: 0.9 }, {
    ...ACCURACY,
    name: "deployed",
    value: 0.901,
  }]);
  progress.epochEnd({ ...EPOCH, epoch: 2, fakeQuantizing: false, metrics: [] });
  progress.stop();
  // The first step does not count: 15 s for three steps, four more to go.
  assert.equal(
    text(),
    "qat epoch 1/2: loss 0.2500, accuracy 87.5%, simulated 90.0%, deployed 90.1%, 1234 samples/s, ranges fixed, " +
      "BN frozen, 0:20 left\nqat epoch 2/2: loss 0.2500, 1234 samples/s\n",
  );
});

Deno.test("createProgress() says how a long epoch goes when the stream is no terminal", () => {
  const { stream, text } = sink(false);
  let now = 0;
  const progress = createProgress({ stream, now: () => now, everySeconds: 30 });
  progress.start("float");
  for (const at of [1, 2, 3]) {
    progress.step(step(1, at));
    now += 20_000;
  }
  assert.equal(text(), "float epoch 1/2, step 3/4: loss 0.2500, accuracy 87.5%, 1234 samples/s, 1:40 left\n");
});

Deno.test("createProgress() draws a bar and clears it for the epoch's line when the stream is a terminal", () => {
  const { stream, text } = sink(true);
  const progress = createProgress({ stream });
  progress.start("qat");
  progress.step(step(1, 2));
  assert.match(text(), /qat 1\/2 \[={10}-{10}\] \? left loss 0\.2500 accuracy 87\.5% 1234 samples\/s/);
  const drawn = text().length;
  progress.epochEnd(EPOCH);
  // Cleared (ESC [ 2 K), then the line.
  const cleared = text().lastIndexOf("\x1b[2K");
  assert.ok(cleared > drawn, "the bar's line is cleared");
  assert.match(text().slice(cleared), /qat epoch 1\/2: loss 0\.2500, accuracy 87\.5%.* left\n$/);
  progress.stop();
  progress.stop();
});

Deno.test("createProgress() leaves out of an epoch's line how fast it went where a terminal is too narrow", () => {
  const { stream, text } = sink(true);
  const progress = createProgress({ stream: Object.assign(stream, { columns: 70 }), plain: true });
  progress.start("qat");
  const scores = ["simulated", "deployed"].map((name) => ({ ...ACCURACY, name }));
  progress.epochEnd({ ...EPOCH, epoch: 2, fakeQuantizing: false }, scores);
  progress.epochEnd({ ...EPOCH, epoch: 2, fakeQuantizing: false }, []);
  assert.equal(
    text(),
    "qat epoch 2/2: loss 0.2500, accuracy 87.5%, simulated 87.5%, deployed 87.5%\n" +
      "qat epoch 2/2: loss 0.2500, accuracy 87.5%, 1234 samples/s\n",
  );
});

Deno.test("createProgress() writes lines to a terminal that is plain", () => {
  const { stream, text } = sink(true);
  const progress = createProgress({ stream, plain: true });
  progress.start("qat");
  progress.step(step(1, 2));
  progress.epochEnd(EPOCH);
  assert.match(text(), /^qat epoch 1\/2: [ -~]* left\n$/);
});

Deno.test("createProgress() writes nothing when it is quiet", () => {
  const { stream, text } = sink(true);
  const progress = createProgress({ stream, quiet: true });
  progress.start("qat");
  progress.step(step(1, 1));
  progress.epochEnd(EPOCH);
  progress.stop();
  assert.equal(text(), "");
});

Deno.test("formatDuration() rounds to seconds and says ? when it does not know", () => {
  assert.deepEqual([499, 42_000, 61_499, 3_723_000, NaN, Infinity].map(formatDuration), [
    "0:00",
    "0:42",
    "1:01",
    "1:02:03",
    "?",
    "?",
  ]);
});

Deno.test("fitBar() stays on one line of the terminal, and leaves out what tells least first", () => {
  const tail = ["0:42 left", "loss 0.2500", "F1 of the first output 87.5%", "1234 samples/s"];
  const draw = (columns: number) => fitBar(0.5, { head: "own-control 8/8", tail, columns });
  assert.equal(draw(120), `own-control 8/8 [${"=".repeat(10)}${"-".repeat(10)}] ${tail.join(" ")}`);
  assert.equal(draw(80), `own-control 8/8 [${"=".repeat(10)}${"-".repeat(10)}] 0:42 left loss 0.2500 1234 samples/s`);
  assert.equal(draw(36), "own-control 8/8 [====---] 0:42 left");
  for (let columns = 1; columns <= 120; columns++) {
    const line = draw(columns);
    if (columns >= 12) assert.ok(line.length < columns, `${columns}: ${line}`);
  }
  assert.match(fitBar(2, { head: "a", tail: [], columns: 80 }), /\[={20}\]$/);
  assert.match(fitBar(-1, { head: "a", tail: [], columns: 80 }), /\[-{20}\]$/);
});

Deno.test("fitBar() keeps a letter of what is before it, however narrow the terminal is", () => {
  for (const columns of [1, 5, 8, 9]) {
    assert.match(fitBar(0.5, { head: "qat 1/2", tail: [], columns }), /^\S \[/, `${columns}`);
  }
  assert.equal(fitBar(0.5, { head: "qat", tail: [], columns: 80 }), `qat [${"=".repeat(10)}${"-".repeat(10)}]`);
});
