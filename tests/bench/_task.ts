/** What the step benches train: the nets and batches of shared/peers/torch_qat_step.py, on random images. */
import { Random } from "../../src/numbers/random.ts";
import type { ArchName } from "../../models/arch/mod.ts";
import type { SampleBatch } from "../../train/fit.ts";

/** A net with its batch. */
export interface NetTask {
  readonly name: ArchName;
  readonly inputShape: readonly [number, number, number];
  readonly batch: number;
}

/** Classes of every net. */
export const CLASSES = 10;

/** The nets, smallest first. */
export const NETS: readonly NetTask[] = [
  { name: "cifar_cnn", inputShape: [32, 32, 3], batch: 64 },
  { name: "resnet20", inputShape: [32, 32, 3], batch: 64 },
  { name: "mobilenet_v2", inputShape: [96, 96, 3], batch: 32 },
];

/**
 * Returns the net called `name`.
 *
 * @throws {RangeError} If there is none of that name.
 */
export function netTask(name: string): NetTask {
  const found = NETS.find((net) => net.name === name);
  if (found !== undefined) return found;
  throw new RangeError(`Cannot bench net "${name}": the nets are ${NETS.map((net) => net.name).join(", ")}`);
}

/** Makes one batch of images, uniform in [-1, 1), and classes. */
export function randomBatch({ inputShape, batch }: NetTask): SampleBatch {
  const random = new Random(7, [batch]);
  const x = new Float32Array(inputShape.reduce((product, dim) => product * dim, batch));
  for (let i = 0; i < x.length; i++) x[i] = random.between(-1, 1);
  const label = Int32Array.from({ length: batch }, (_, i) => i % CLASSES);
  return { inputs: { image: x }, targets: { label }, size: batch };
}
