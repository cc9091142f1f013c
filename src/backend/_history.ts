/**
 * What a backend has seen so far and what, through it, decides the last bit of results.
 *
 * A number that never changed is folded into a graph as a constant, and a folded constant rounds otherwise than an input.
 * So a process that goes on where another stopped needs more than tensors to compute the same: this.
 */
import type * as tf from "@tensorflow/tfjs-core";
import type { Buffer } from "./_buffer.ts";
import type { PlanCache, PlanMemory } from "./_plan_cache.ts";

/** What the history is of. */
interface Host {
  readonly plans: PlanCache;
  readonly flush: () => void;
  readonly bufferOf: (dataId: object) => Buffer | undefined;
}

/** The history of a backend, to be handed to another process. */
export class EngineHistory {
  constructor(private readonly host: Host) {}

  /** Returns what was seen of graphs, as plain data. */
  read(): PlanMemory {
    this.host.flush();
    return this.host.plans.memory;
  }

  /** Makes `memory` all that was seen. Sessions are compiled anew. */
  restore(memory: PlanMemory): void {
    this.host.flush();
    this.host.plans.memory = memory;
  }

  /** Whether a tensor's elements came out of a run, and not from JavaScript. */
  isComputed({ dataId }: tf.Tensor): boolean {
    this.host.flush();
    return this.host.bufferOf(dataId)?.computed === true;
  }

  /** Says of a tensor made of elements in JavaScript that they came out of a run once. */
  markComputed({ dataId }: tf.Tensor): void {
    const buffer = this.host.bufferOf(dataId);
    if (buffer !== undefined) buffer.computed = true;
  }
}
