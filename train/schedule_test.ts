import assert from "node:assert/strict";
import fc from "fast-check";
import { floatSchedule, qatSchedule } from "./schedule.ts";

const at = (epoch: number, step = 0) => ({ epoch, step, stepsPerEpoch: 10 });

Deno.test("qatSchedule() observes in epochs 1 to 4 and trains BN in 1 to 3 when asked for nothing", () => {
  const schedule = qatSchedule();
  const flags = [0, 1, 2, 3, 4, 5].map((epoch) => schedule(at(epoch, 9)));
  assert.deepEqual(flags.map(({ observing }) => observing), [true, true, true, true, false, false]);
  assert.deepEqual(flags.map(({ trainingBatchNorm }) => trainingBatchNorm), [true, true, true, false, false, false]);
  assert.deepEqual(flags.map(({ fakeQuantizing }) => fakeQuantizing), [true, true, true, true, true, true]);
});

Deno.test("qatSchedule() switches within an epoch when the count is a fraction", () => {
  const schedule = qatSchedule({ freezeObserversAfter: 1.5, freezeBatchNormAfter: 0, delayFakeQuant: 1 });
  assert.deepEqual(schedule(at(1, 4)), { observing: true, fakeQuantizing: true, trainingBatchNorm: false });
  assert.deepEqual(schedule(at(1, 5)), { observing: false, fakeQuantizing: true, trainingBatchNorm: false });
  assert.equal(schedule(at(0, 9)).fakeQuantizing, false);
});

Deno.test("qatSchedule() never freezes when the count is Infinity", () => {
  const schedule = qatSchedule({ freezeObserversAfter: Infinity, freezeBatchNormAfter: Infinity });
  assert.deepEqual(schedule(at(1e6)), { observing: true, fakeQuantizing: true, trainingBatchNorm: true });
});

Deno.test("qatSchedule() never goes back when time goes on", () => {
  const epochs = fc.double({ min: 0, max: 8, noNaN: true });
  fc.assert(fc.property(epochs, epochs, epochs, (freezeObserversAfter, freezeBatchNormAfter, delayFakeQuant) => {
    const schedule = qatSchedule({ freezeObserversAfter, freezeBatchNormAfter, delayFakeQuant });
    const phases = Array.from({ length: 90 }, (_, i) => schedule(at(Math.floor(i / 10), i % 10)));
    for (let i = 1; i < phases.length; i++) {
      assert.ok(phases[i - 1].observing || !phases[i].observing);
      assert.ok(phases[i - 1].trainingBatchNorm || !phases[i].trainingBatchNorm);
      assert.ok(!phases[i - 1].fakeQuantizing || phases[i].fakeQuantizing);
    }
  }));
});

Deno.test("qatSchedule() names the option when it is negative or not a number", () => {
  assert.throws(() => qatSchedule({ freezeObserversAfter: -1 }), {
    name: "RangeError",
    message: "Cannot schedule training: freezeObserversAfter is -1, needed is a number of epochs from 0",
  });
  assert.throws(() => qatSchedule({ freezeBatchNormAfter: NaN }), /freezeBatchNormAfter is NaN/);
  assert.throws(() => qatSchedule({ delayFakeQuant: -0.5 }), /delayFakeQuant is -0.5/);
});

Deno.test("floatSchedule() quantizes nothing whenever it is asked", () => {
  assert.deepEqual(floatSchedule(at(7, 3)), { observing: false, fakeQuantizing: false, trainingBatchNorm: true });
});
