/** What the step benches train: the nets and batches of shared/peers/torch_qat_step.py, on random images. */
import { Random } from "../../src/numbers/random.ts";
import type { ArchName } from "../../models/arch/mod.ts";
import type { Port } from "../../models/ports.ts";
import type { SampleBatch } from "../../train/fit.ts";

/** A net with its batch. */
export interface NetTask {
  readonly name: ArchName;
  readonly inputShape: readonly [number, number, number];
  readonly batch: number;
  /** What it ends in, where that is not classes: squares of its numbers are learned then. */
  readonly head?: "boxes" | "map";
}

/** Classes of every net. */
export const CLASSES = 10;

/** The nets, smallest first. */
export const NETS: readonly NetTask[] = [
  { name: "cifar_cnn", inputShape: [32, 32, 3], batch: 64 },
  { name: "resnet20", inputShape: [32, 32, 3], batch: 64 },
  { name: "mobilenet_v2", inputShape: [96, 96, 3], batch: 32 },
];

/** Those that only `--net` asks for. */
const LARGER: readonly NetTask[] = [
  { name: "resnet18", inputShape: [224, 224, 3], batch: 16 },
  { name: "resnet50", inputShape: [224, 224, 3], batch: 8 },
  { name: "shufflenet_v2", inputShape: [112, 112, 3], batch: 32 },
  { name: "yolov3_tiny", inputShape: [416, 416, 3], batch: 8, head: "boxes" },
  { name: "yolov3", inputShape: [416, 416, 3], batch: 1, head: "boxes" },
  { name: "unet", inputShape: [128, 128, 3], batch: 8, head: "map" },
];

/**
 * Returns the net called `name`.
 *
 * @throws {RangeError} If there is none of that name.
 */
export function netTask(name: string): NetTask {
  const nets = [...NETS, ...LARGER];
  const found = nets.find((net) => net.name === name);
  if (found !== undefined) return found;
  throw new RangeError(`Cannot bench net "${name}": the nets are ${nets.map((net) => net.name).join(", ")}`);
}

/** Makes one batch of images, uniform in [-1, 1), and classes, or zeros for each of the outputs. */
export function randomBatch({ inputShape, batch, head }: NetTask, outputs: readonly Port[]): SampleBatch {
  const random = new Random(7, [batch]);
  const x = new Float32Array(inputShape.reduce((product, dim) => product * dim, batch));
  for (let i = 0; i < x.length; i++) x[i] = random.between(-1, 1);
  if (head !== undefined) {
    const zeros = outputs.map(({ name, shape }): [string, Float32Array] => [
      name,
      new Float32Array(shape.reduce<number>((product, dim) => product * (dim ?? 1), batch)),
    ]);
    return { inputs: { image: x }, targets: Object.fromEntries(zeros), size: batch };
  }
  const label = Int32Array.from({ length: batch }, (_, i) => i % CLASSES);
  return { inputs: { image: x }, targets: { label }, size: batch };
}
