import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { useBackend } from "./_test_support.ts";
import type { OnnxRuntimeBackend } from "./backend.ts";

const SHAPE: [number, number] = [3, 2];

/** A linear model, its optimizer, and a step that can be taken either way. */
class Task {
  readonly w = tf.variable(tf.tensor2d([1, -2, 3, 0.5], [2, 2]));
  readonly seen = tf.variable(tf.scalar(0), false);
  taken = 0;
  repeated = 0;

  constructor(
    private readonly backend: OnnxRuntimeBackend,
    private readonly optimizer: tf.Optimizer,
    private readonly options: { readonly extra?: () => tf.Tensor; readonly key?: () => string } = {},
  ) {}

  record(batch: Float32Array, rate: number): tf.Tensor[] {
    this.taken++;
    Reflect.set(this.optimizer, "learningRate", rate);
    if ("setLearningRate" in this.optimizer) (this.optimizer as tf.SGDOptimizer).setLearningRate(rate);
    const loss = tf.tidy(() => {
      const x = tf.tensor(batch, SHAPE);
      this.seen.assign(tf.add(this.seen, 1));
      const cost = this.optimizer.minimize(
        () => {
          const y = tf.matMul(x, this.w);
          const scaled = this.options.extra === undefined ? y : tf.mul(y, this.options.extra());
          return tf.mean<tf.Scalar>(tf.square(tf.add(scaled, tf.ones([3, 2]))));
        },
        true,
        [this.w as tf.Variable],
      );
      return cost!;
    });
    return [loss];
  }

  repeat(batch: Float32Array, rate: number): tf.Tensor[] {
    return this.backend.repeat({
      key: this.options.key?.() ?? `${this.w.id}`,
      arrays: [batch],
      numbers: [rate],
      take: () => this.record(batch, rate),
      onRepeat: () => this.repeated++,
    });
  }

  /** Everything that a step changed, with the loss. */
  state([loss]: tf.Tensor[]): string {
    const values = [loss, this.w, this.seen].map((tensor) => [...tensor.dataSync()].join());
    loss.dispose();
    return values.join(" ");
  }

  dispose(): void {
    tf.dispose([this.w, this.seen]);
    this.optimizer.dispose();
  }
}

function batches(count: number): Float32Array[] {
  return Array.from({ length: count }, (_, step) => Float32Array.from({ length: 6 }, (_, i) => Math.sin(7 * step + i)));
}

const OPTIMIZERS: Readonly<Record<string, () => tf.Optimizer>> = {
  sgd: () => tf.train.sgd(0.1),
  momentum: () => tf.train.momentum(0.1, 0.9),
  nesterov: () => tf.train.momentum(0.1, 0.9, true),
  rmsprop: () => tf.train.rmsprop(0.1, 0.9, 0.5),
  adam: () => tf.train.adam(0.1),
  adamax: () => tf.train.adamax(0.1),
  adagrad: () => tf.train.adagrad(0.1),
  adadelta: () => tf.train.adadelta(0.1),
};

const RATES: Readonly<Record<string, (step: number) => number>> = {
  "stays": () => 0.1,
  "falls": (step) => 0.1 / (step + 1),
  "falls in stairs": (step) => 0.1 / (1 + Math.floor(step / 3)),
};

for (const [name, make] of Object.entries(OPTIMIZERS)) {
  for (const [how, rateAt] of Object.entries(RATES)) {
    Deno.test(`repeat() takes the very steps of ${name} that recording takes when the rate ${how}`, async () => {
      const backend = await useBackend();
      const tasks = [new Task(backend, make()), new Task(backend, make())];
      batches(9).forEach((batch, step) => {
        const rate = rateAt(step);
        assert.equal(
          tasks[0].state(tasks[0].repeat(batch, rate)),
          tasks[1].state(tasks[1].record(batch, rate)),
          `step ${step}`,
        );
      });
      assert.ok(tasks[0].repeated >= 4, `${tasks[0].repeated} steps were repeated`);
      assert.equal(tasks[0].repeated + tasks[0].taken, 9);
      tasks.forEach((task) => task.dispose());
    });
  }
}

/** Takes steps on data of its own, and returns how many were repeated. */
async function steps(
  task: (backend: OnnxRuntimeBackend) => Task,
  between: (task: Task, step: number) => void = () => {},
) {
  const backend = await useBackend();
  const [repeating, recording] = [task(backend), task(backend)];
  batches(8).forEach((batch, step) => {
    between(repeating, step);
    between(recording, step);
    assert.equal(
      repeating.state(repeating.repeat(batch, 0.1)),
      recording.state(recording.record(batch, 0.1)),
      `step ${step}`,
    );
  });
  const { repeated } = repeating;
  repeating.dispose();
  recording.dispose();
  return repeated;
}

Deno.test("repeat() reads variables as they are when somebody else has changed them", async () => {
  const repeated = await steps(
    (backend) => new Task(backend, tf.train.sgd(0.1)),
    ({ w }, step) => {
      if (step === 5) tf.tidy(() => w.assign(tf.mul(w, 2)));
      if (step === 6) tf.tidy(() => w.assign(tf.tensor2d([4, 3, 2, 1], [2, 2])));
    },
  );
  assert.ok(repeated > 3);
});

Deno.test("repeat() takes no constant for a number that happens to equal it, however often they were equal", async () => {
  const backend = await useBackend();
  const extra = () => tf.scalar(0.1);
  const [repeating, recording] = [1, 2].map(() => new Task(backend, tf.train.sgd(0.1), { extra }));
  const rates = [0.1, 0.1, 0.1, 0.2, 0.2, 0.3, 0.1, 0.4];
  batches(rates.length).forEach((batch, step) => {
    assert.equal(
      repeating.state(repeating.repeat(batch, rates[step])),
      recording.state(recording.record(batch, rates[step])),
      `step ${step}`,
    );
  });
  assert.ok(repeating.repeated >= 1);
  [repeating, recording].forEach((task) => task.dispose());
});

Deno.test("repeat() takes no constant for one of two numbers that it equals, while only the other one changes", async () => {
  const backend = await useBackend();
  const w = tf.variable(tf.tensor1d([1, 2]), false);
  const take = (rate: number, decay: number) => () =>
    tf.tidy(() => {
      w.assign(tf.sub(tf.mul(w, decay), tf.mul(tf.mul(w, 0.5), rate)));
      return [tf.keep(tf.sum(w))];
    });
  let expected = [1, 2];
  for (const [rate, decay] of [[0.125, 0.5], [0.25, 0.5], [0.375, 0.5], [0.75, 0.25], [1, 2], [0.25, 0.25]]) {
    const numbers = [rate, decay];
    tf.dispose(backend.repeat({ key: "two numbers", arrays: [], numbers, take: take(rate, decay) }));
    expected = expected.map((value) => value * decay - 0.5 * value * rate);
    assert.deepEqual([...w.dataSync()], expected, `${numbers}`);
  }
  w.dispose();
});

Deno.test("repeat() leaves alone what others hold of a variable's old value", async () => {
  const kept: tf.Tensor[] = [];
  const read: [tf.TypedArray, number[]][] = [];
  const repeated = await steps((backend) => new Task(backend, tf.train.momentum(0.1, 0.9)), ({ w }) => {
    kept.push(w.clone());
    const array = w.dataSync();
    read.push([array, [...array]]);
  });
  assert.ok(repeated > 3);
  kept.forEach((tensor, i) => assert.deepEqual([...tensor.dataSync()], read[i][1]));
  for (const [array, copy] of read) assert.deepEqual([...array], copy);
  tf.dispose(kept);
});

Deno.test("repeat() records anew when the key, the size or the session is another", async () => {
  const backend = await useBackend();
  let key = "a";
  const task = new Task(backend, tf.train.sgd(0.1), { key: () => `other ${key}` });
  const take = () => task.state(task.repeat(batches(1)[0], 0.1));
  for (let i = 0; i < 4; i++) take();
  assert.equal(task.taken, 1);
  key = "b";
  take();
  assert.equal(task.taken, 2);
  key = "a";
  take();
  assert.equal(task.taken, 2);
  // Disposing of the backend's sessions, as a crowd of other graphs would.
  backend.dispose();
  take();
  assert.equal(task.taken, 3);
  task.dispose();
});

Deno.test("repeat() never repeats a step that draws or counts, reads its own values or leaves tensors behind", async () => {
  let draws = 0;
  const random = () => {
    // Both tasks draw the same.
    const shift = 0.3 * Math.floor(draws++ / 2);
    return tf.tensor(Float32Array.from({ length: 6 }, (_, i) => Math.cos(i + shift)), [3, 2]);
  };
  assert.equal(await steps((backend) => new Task(backend, tf.train.sgd(0.1), { extra: random })), 0);
  const reading = () => tf.scalar(tf.add(tf.scalar(0.5), 0.25).dataSync()[0]);
  assert.equal(await steps((backend) => new Task(backend, tf.train.sgd(0.1), { extra: reading })), 0);
  // Assigned to by JavaScript: what it assigns comes out of no run.
  const counts = tf.variable(tf.scalar(0), false);
  const counting = () => {
    counts.assign(tf.scalar(++draws));
    return tf.scalar(1);
  };
  assert.equal(await steps((backend) => new Task(backend, tf.train.sgd(0.1), { extra: counting })), 0);
  assert.deepEqual([...counts.dataSync()], [draws]);
  counts.dispose();
  const left: tf.Tensor[] = [];
  const leaving = () => {
    left.push(tf.keep(tf.exp(tf.scalar(left.length))));
    return tf.scalar(1);
  };
  assert.equal(await steps((backend) => new Task(backend, tf.train.sgd(0.1), { extra: leaving })), 0);
  tf.dispose(left);
});

Deno.test("repeat() leaks no tensors and no memory of the backend's", async () => {
  const backend = await useBackend();
  const task = new Task(backend, tf.train.adam(0.1));
  const [batch] = batches(1);
  for (let i = 0; i < 3; i++) task.state(task.repeat(batch, 0.1));
  const before = { ...tf.memory(), sessions: backend.stats().sessions };
  for (let i = 0; i < 50; i++) task.state(task.repeat(batch, 0.1));
  assert.deepEqual({ ...tf.memory(), sessions: backend.stats().sessions }, before);
  task.dispose();
});
