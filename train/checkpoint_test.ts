import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { registerBackend } from "../src/backend/mod.ts";
import { withTempDir } from "../models/import/_test_models.ts";
import { FadingReLU } from "../src/rewrite/mod.ts";
import { seedWeights } from "../tests/_support/small_models.ts";
import { disk } from "../src/io/disk.ts";
import { readOptimizer } from "./_optimizer_state.ts";
import { engineHistory } from "./_tensor_blobs.ts";
import { CheckpointError, type CheckpointOptions } from "./checkpoint.ts";
import { fit, type FitOptions, type History, type SampleBatch } from "./fit.ts";
import { cosineRate } from "./learning_rate.ts";
import { fadingSchedule } from "./schedule.ts";

// These processes do not die, so nothing needs to be on the disk itself, which takes most of the time.
Object.assign(disk, {
  write(path: string, ...parts: readonly Uint8Array[]) {
    using file = Deno.openSync(path, { write: true, createNew: true });
    for (const part of parts) file.writeSync(part);
  },
  syncFolder: () => {},
});

const { layers } = tfl;
const [EPOCHS, STEPS, SIZE] = [3, 3, 4];

const OPTIMIZERS: Readonly<Record<string, () => tf.Optimizer>> = {
  sgd: () => tf.train.sgd(0.05),
  momentum: () => tf.train.momentum(0.05, 0.9),
  nesterov: () => tf.train.momentum(0.05, 0.9, true),
  rmsprop: () => tf.train.rmsprop(0.01, 0.9, 0.5),
  adam: () => tf.train.adam(0.01),
  adamax: () => tf.train.adamax(0.01, 0.9, 0.999, 1e-7, 0.1),
  adagrad: () => tf.train.adagrad(0.05),
  adadelta: () => tf.train.adadelta(0.1),
};

/** Batch normalization, dropout, a weight of one element and one that is constrained. */
function makeModel(): tfl.LayersModel {
  tf.env().set("PROD", true);
  return seedWeights(tfl.sequential({
    name: "small",
    layers: [
      layers.dense({
        name: "a",
        units: 5,
        inputShape: [3],
        kernelConstraint: tfl.constraints.maxNorm({ maxValue: 0.7 }),
      }),
      layers.batchNormalization({ name: "bn" }),
      layers.dropout({ name: "drop", rate: 0.4 }),
      layers.dense({ name: "b", units: 1 }),
    ],
  }));
}

/** The same batches for every run, others in each epoch. */
function* batchesOf(epoch: number): Iterable<SampleBatch> {
  for (let step = 0; step < STEPS; step++) {
    const at = (i: number) => Math.sin(100 * epoch + 10 * step + i);
    yield {
      inputs: { x: Float32Array.from({ length: 3 * SIZE }, (_, i) => at(i)) },
      targets: { y: Float32Array.from({ length: SIZE }, (_, i) => 3 * at(i) - at(i + 1)) },
      size: SIZE,
    };
  }
}

/** All that a training leaves, to the bit. */
interface Left {
  readonly bits: string;
  readonly history: unknown;
  readonly own: readonly number[];
  /** What the engine has seen, by which it folds. */
  readonly engine: unknown;
}

class Killed extends Error {}

/** As TF.js has it. */
interface NamedTensor {
  name: string;
  tensor: tf.Tensor;
}

/** How a test trains. */
interface Setup {
  readonly optimizer: () => tf.Optimizer;
  readonly options?: Partial<FitOptions>;
  readonly model?: () => tfl.LayersModel;
}

/** Trains a new model undisturbed, writing states after epochs as any training with checkpoints does. */
function trainUndisturbed(setup: Setup, dir: string): Promise<Left> {
  return train(setup, { checkpoint: { dir: `${dir}/undisturbed` } });
}

/** Trains a new model, and goes on from `checkpoint` if there is something; `killAt` counts the steps of this process. */
async function train(
  { optimizer: make, options, model: makeOwn = makeModel }: Setup,
  { checkpoint, killAt = Infinity }: { checkpoint?: CheckpointOptions; killAt?: number } = {},
): Promise<Left> {
  // A process of its own has seen nothing yet.
  engineHistory()?.restore({});
  const model = makeOwn();
  const optimizer = make();
  const own: number[] = [];
  let steps = 0;
  try {
    const history = await fit(model, {
      loss: tf.losses.meanSquaredError as never,
      train: batchesOf,
      epochs: EPOCHS,
      stepsPerEpoch: STEPS,
      optimizer,
      learningRate: cosineRate(0.05, { epochs: EPOCHS }),
      onStep: () => {
        if (++steps > killAt) throw new Killed();
      },
      // The second epoch is the best, so that its weights are carried over the third.
      onEpochEnd: ({ epoch }) => {
        own.push(epoch);
        return epoch === 2 ? 1 : 0;
      },
      ...options,
      ...(checkpoint === undefined ? {} : {
        checkpoint: {
          own: { save: () => own, restore: (saved) => own.splice(0, own.length, ...saved as number[]) },
          ...checkpoint,
        },
      }),
    });
    const state = await readOptimizer(optimizer);
    const tensors = [...model.weights.map((weight) => weight.read()), ...state.tensors.map(({ tensor }) => tensor)];
    const bits = tensors.map((tensor) => [...new Uint32Array(tensor.dataSync().slice().buffer)].join()).join("\n");
    tf.dispose([...state.made]);
    return {
      bits: `${bits}\n${JSON.stringify(state.numbers)}`,
      history: withoutTimes(history),
      own,
      engine: engineHistory()?.read(),
    };
  } finally {
    model.dispose();
    optimizer.dispose();
  }
}

function withoutTimes({ epochs, bestEpoch }: History): unknown {
  return { bestEpoch, epochs: epochs.map(({ stepMs: _, samplesPerSecond: __, ...epoch }) => epoch) };
}

/** Kills a training after each of `kills` steps of its process, and lets the last process end it. */
async function killAndGoOn(setup: Setup, dir: string, kills: readonly number[]): Promise<Left> {
  // So little a time that a state is due after every step.
  const checkpoint = { dir, minutes: Number.MIN_VALUE };
  for (const killAt of kills) await assert.rejects(train(setup, { checkpoint, killAt }), Killed);
  return await train(setup, { checkpoint });
}

Deno.test("fit(), killed after any step, ends with the same bits", () =>
  withTempDir(async (dir) => {
    await registerBackend();
    const setup = { optimizer: OPTIMIZERS.adam };
    const undisturbed = await trainUndisturbed(setup, dir);
    assert.deepEqual(undisturbed.own, [1, 2, 3]);
    for (let killAt = 0; killAt < EPOCHS * STEPS; killAt++) {
      const resumed = await killAndGoOn(setup, `${dir}/${killAt}`, [killAt]);
      assert.deepEqual(resumed, undisturbed, `killed after ${killAt} steps`);
    }
  }));

Deno.test("fit(), killed after any step while activations are swapped gradually, ends with the same bits", () =>
  withTempDir(async (dir) => {
    await registerBackend();
    const model = () =>
      seedWeights(tfl.sequential({
        layers: [layers.dense({ units: 5, inputShape: [3] }), new FadingReLU(), layers.dense({ units: 1 })],
      }));
    const setup = { optimizer: OPTIMIZERS.adam, model, options: { fading: fadingSchedule(1.5) } };
    const undisturbed = await trainUndisturbed(setup, dir);
    assert.notDeepEqual(undisturbed.bits, (await train({ ...setup, options: {} })).bits);
    for (let killAt = 0; killAt < EPOCHS * STEPS; killAt++) {
      const resumed = await killAndGoOn(setup, `${dir}/${killAt}`, [killAt]);
      assert.deepEqual(resumed, undisturbed, `killed after ${killAt} steps`);
    }
  }));

/** All that is done besides; the third epoch is one too many. */
const UPDATES = { clipNorm: 0.8, weightDecay: 0.1, averageDecay: 0.9, patience: 1, epochs: 5 };

for (const backend of ["onnxruntime", "cpu"]) {
  Deno.test(`fit() with clipping, decay, averages and patience on ${backend}, killed after any step, ends alike`, () =>
    withTempDir(async (dir) => {
      await registerBackend();
      await tf.setBackend(backend);
      for (const optimizer of [OPTIMIZERS.adam, OPTIMIZERS.sgd]) {
        const setup = { optimizer, options: UPDATES };
        const undisturbed = await trainUndisturbed(setup, `${dir}/${optimizer}`);
        assert.deepEqual(undisturbed.own, [1, 2, 3]);
        assert.notDeepEqual(undisturbed.bits, (await train({ optimizer })).bits);
        for (let killAt = 0; killAt < EPOCHS * STEPS; killAt++) {
          const resumed = await killAndGoOn(
            setup,
            `${dir}/${optimizer}/${killAt}`,
            killAt < 7 ? [killAt, 1] : [killAt],
          );
          assert.deepEqual(resumed, undisturbed, `killed after ${killAt} steps`);
        }
      }
      await tf.setBackend("onnxruntime");
    }));

  for (const [name, optimizer] of Object.entries(OPTIMIZERS)) {
    Deno.test(`fit() with ${name} on ${backend}, killed again and again, ends with the same bits`, () =>
      withTempDir(async (dir) => {
        await registerBackend();
        await tf.setBackend(backend);
        const undisturbed = await trainUndisturbed({ optimizer }, dir);
        assert.deepEqual(await killAndGoOn({ optimizer }, `${dir}/killed`, [2, 0, 1, 4]), undisturbed);
        await tf.setBackend("onnxruntime");
      }));
  }
}

Deno.test("fit() goes on from a finished state without a step, and says so", () =>
  withTempDir(async (dir) => {
    await registerBackend();
    const setup = { optimizer: OPTIMIZERS.adam };
    const first = await train(setup, { checkpoint: { dir } });
    const places: unknown[] = [];
    const again = await train(setup, { checkpoint: { dir, onResume: (at) => places.push(at) }, killAt: 0 });
    assert.deepEqual(again, first);
    assert.deepEqual(places, [{ epochs: 3, steps: 0, isFinished: true }]);
  }));

Deno.test("fit() writes its state when it is aborted, between steps and while an epoch is judged", () =>
  withTempDir(async (dir) => {
    await registerBackend();
    const setup = { optimizer: OPTIMIZERS.adam };
    const undisturbed = await trainUndisturbed(setup, dir);
    for (const [name, where] of [["step", "onStep"], ["epoch", "onEpochEnd"]] as const) {
      const stop = new AbortController();
      let calls = 0;
      const abort = () => {
        if (++calls !== 2) return 0;
        stop.abort(new Killed());
        // A judge that hears the signal throws its reason.
        if (where === "onEpochEnd") stop.signal.throwIfAborted();
        return 0;
      };
      const checkpoint = { dir: `${dir}/${name}`, minutes: Infinity };
      const options = { signal: stop.signal, [where]: abort };
      await assert.rejects(train({ ...setup, options }, { checkpoint }), Killed);
      const places: unknown[] = [];
      const resumed = await train(setup, { checkpoint: { ...checkpoint, onResume: (at) => places.push(at) } });
      const expected = where === "onStep" ? { epochs: 0, steps: 2 } : { epochs: 1, steps: 3 };
      assert.deepEqual(places, [{ ...expected, isFinished: false }]);
      if (where === "onStep") assert.deepEqual(resumed, undisturbed);
      else assert.equal(resumed.bits.length, undisturbed.bits.length);
    }
  }));

Deno.test("fit() refuses the state of another training by what differs", () =>
  withTempDir(async (dir) => {
    await registerBackend();
    const setup = { optimizer: OPTIMIZERS.adam };
    await train(setup, { checkpoint: { dir } });
    const others: readonly [Setup, RegExp][] = [
      [{ ...setup, options: { epochs: 4 } }, /had the epochs 3, this one has 4$/],
      [{ ...setup, options: { seed: 1 } }, /had the seed 0, this one has 1$/],
      [{ ...setup, options: { patience: 2 } }, /had the patience none, this one has 2$/],
      [{ ...setup, options: { clipNorm: 2 } }, /had the norm of gradients none, this one has 2$/],
      [{ ...setup, options: { weightDecay: 2 } }, /had the weight decay none, this one has 2$/],
      [{ ...setup, options: { averageDecay: 0.5 } }, /had the average none, this one has 0.5$/],
      [{ optimizer: OPTIMIZERS.sgd }, /had the optimizer Adam \{.*\}, this one has SGD \{\}$/],
      [{
        ...setup,
        model: () => seedWeights(tfl.sequential({ layers: [layers.dense({ units: 1, inputShape: [3] })] })),
      }, /its model has other weights$/],
    ];
    for (const [other, says] of others) {
      const error = await train(other, { checkpoint: { dir } }).then(() => undefined, (error) => error);
      assert.ok(error instanceof CheckpointError);
      assert.match(error.message, says);
    }
  }));

Deno.test("fit() saves an optimizer of somebody's own by its fields, or by its own getWeights, or refuses it", () =>
  withTempDir(async (dir) => {
    await registerBackend();
    /** Adds up gradients in variables of its own. */
    class Slow extends tf.SGDOptimizer {
      readonly sums: { originalName: string; variable: tf.Variable }[] = [];
      override applyGradients(gradients: NamedTensor[]): void {
        gradients.forEach(({ name, tensor }, i) => {
          this.sums[i] ??= { originalName: name, variable: tf.variable(tf.zerosLike(tensor), false) };
          const { variable } = this.sums[i];
          variable.assign(tf.add(tf.mul(variable, 0.7), tensor));
        });
        super.applyGradients(gradients.map(({ name }, i) => ({ name, tensor: this.sums[i].variable })));
      }
      override dispose(): void {
        super.dispose();
        tf.dispose(this.sums.map(({ variable }) => variable));
      }
    }
    /** Says itself what it has, under names of its own. */
    class Speaking extends Slow {
      readonly notes = new Map([["a", 1]]);
      override async getWeights(): Promise<NamedTensor[]> {
        return [
          await this.saveIterations(),
          ...this.sums.map(({ variable }, i) => ({ name: `s${i}`, tensor: variable })),
        ];
      }
      override async setWeights(values: NamedTensor[]): Promise<void> {
        const rest = await this.extractIterations(values);
        rest.forEach(({ name, tensor }, i) =>
          this.sums[i] = { originalName: name, variable: tf.variable(tensor, false) }
        );
      }
    }
    class Silent extends Slow {
      readonly notes = new Map([["a", 1]]);
    }
    for (
      const [name, optimizer] of Object.entries({
        slow: () => new Slow(0.01),
        speaking: () => new Speaking(0.01),
      })
    ) {
      const setup = { optimizer };
      const { bits: _, ...undisturbed } = await trainUndisturbed(setup, `${dir}/${name}`);
      const { bits: __, ...resumed } = await killAndGoOn(setup, `${dir}/${name}/killed`, [1, 4]);
      assert.deepEqual(resumed, undisturbed, name);
    }
    await assert.rejects(
      train({ optimizer: () => new Silent(0.01) }, { checkpoint: { dir: `${dir}/silent` } }),
      /with the optimizer "SGD": its field "notes" is no number, variable or list of variables, getWeights\(\) and/,
    );
  }));

Deno.test("fit() leaks no tensors when it writes and restores states", () =>
  withTempDir(async (dir) => {
    await registerBackend();
    const setup = { optimizer: OPTIMIZERS.adam, options: UPDATES };
    const leaked = async (work: () => Promise<unknown>) => {
      const before = tf.memory().numTensors;
      await work();
      return tf.memory().numTensors - before;
    };
    // Making the model leaves tensors of TF.js's own.
    const expected = await leaked(() => train(setup));
    assert.equal(await leaked(() => train(setup, { checkpoint: { dir } })), expected);
    assert.equal(await leaked(() => train(setup, { checkpoint: { dir } })), expected);
    assert.equal(await leaked(() => killAndGoOn(setup, `${dir}/killed`, [2, 3])), 3 * expected);
  }));

Deno.test("fit() goes on training where a state cannot be written, if somebody is told", () =>
  withTempDir(async (dir) => {
    await registerBackend();
    const setup = { optimizer: OPTIMIZERS.sgd };
    const said: string[] = [];
    const checkpoint: CheckpointOptions = {
      dir: `${dir}/a`,
      onFailure: ({ message }) => said.push(message),
      onResume: () => {},
    };
    const spoil = () => {
      Deno.removeSync(checkpoint.dir, { recursive: true });
      Deno.writeTextFileSync(checkpoint.dir, "");
      return 0;
    };
    await train({ ...setup, options: { onEpochEnd: ({ epoch }) => epoch === 1 ? spoil() : 0 } }, { checkpoint });
    assert.equal(said.length, 3);
    for (const line of said) assert.match(line, /^Cannot write to "[^\n]*$/);
  }));
