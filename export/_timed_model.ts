/** A file that is run on any values, to see what a run takes. */
import { cpuUsage } from "node:process";
import { sizeOf } from "../src/onnx/graph.ts";
import type { SessionOptions } from "../src/runtime/session.ts";
import { DeployedModel } from "./deployed.ts";

/** A loaded file, and runs of it. */
export class TimedModel implements Disposable {
  readonly #model: DeployedModel;

  constructor(bytes: Uint8Array, options: SessionOptions) {
    this.#model = new DeployedModel(bytes, options);
  }

  /** Samples that the file takes at once; undefined if any number will do. */
  get batch(): number | undefined {
    return this.#model.batch;
  }

  /** Returns what runs the file once on `batch` samples. Any values do: no operator's time depends on them. */
  runsOf(batch: number): () => void {
    const { sampleShapes, rawInputs } = this.#model;
    const samples = Object.fromEntries(
      Object.entries(sampleShapes).map(([name, shape]) => {
        const bytes = Uint8Array.from({ length: batch * sizeOf(shape) }, (_, i) => i % 255);
        return [name, rawInputs.includes(name) ? bytes : Float32Array.from(bytes, (byte) => byte / 255)];
      }),
    );
    return () => void this.#model.predict(samples);
  }

  [Symbol.dispose](): void {
    this.#model.dispose();
  }
}

/** Returns the CPU time of the process while `work` is done, of all its threads, user and system, in ms. */
export function cpuMsOf(work: () => void): number {
  const before = cpuUsage();
  work();
  const { user, system } = cpuUsage();
  return (user - before.user + (system - before.system)) / 1000;
}

/**
 * Rest before a turn, in ms. A session's threads spin for a while after its last run: on two cores, without a rest, a
 * float model of 0.2 ms takes 0.3 (p95: 4 ms) right behind its int8 form; 5 ms are enough.
 */
const REST_MS = 20;

/** Waits until threads of other sessions are quiet. */
export function rest(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, REST_MS);
}
