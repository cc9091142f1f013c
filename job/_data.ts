/** The data of a job, made to fit the model. */
import { type Augment, type Batch, batches, type BatchOptions, countBatches } from "../data/batches.ts";
import type { ImageSet } from "../data/dataset.ts";
import type { Normalize } from "../data/normalize.ts";

/** Images to train on and to judge by, with how they go into the model. */
export interface JobData {
  readonly name: string;
  readonly train: ImageSet;
  readonly test: ImageSet;
  readonly normalize: Normalize;
  readonly augment: Augment;
  readonly batchSize: number;
  readonly seed: number;
}

/** Steps of one epoch. A last batch that is not full is left out: its other size would be another graph. */
export function stepsPerEpoch(data: JobData): number {
  return countBatches(data.train, trainingOptions(data, 0));
}

/** Batches of training epoch `epoch`, counted from 0. */
export function trainingBatches(data: JobData, epoch: number): Iterable<Batch> {
  return batches(data.train, trainingOptions(data, epoch));
}

/** Test images in their order. */
export function testBatches({ test, normalize }: JobData): Iterable<Batch> {
  return batches(test, { batchSize: Math.min(EVALUATION_BATCH, test.count), normalize });
}

/** Evaluation needs no gradients, so larger batches than training's fit in the same memory. */
const EVALUATION_BATCH = 250;

function trainingOptions({ train, normalize, augment, batchSize, seed }: JobData, epoch: number): BatchOptions {
  return {
    batchSize: Math.min(batchSize, train.count),
    normalize,
    shuffle: true,
    seed,
    epoch,
    dropRemainder: true,
    augment,
  };
}
