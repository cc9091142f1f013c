/** The rows of docs/zoo.md: every built-in architecture, at the size that it was published for, and how it is trained. */
import { ARCH_NAMES, ARCHITECTURES, type ArchName, type ArchOptions } from "../../../mod.ts";
import { SHARED } from "../_jobs.ts";

/** What an architecture is built for, but for the seed. */
export type ZooOptions = Omit<ArchOptions, "seed">;

/** A row. */
export interface ZooRow {
  readonly name: ArchName;
  /** What its file and a step are measured with. */
  readonly options: ZooOptions;
  /** Samples of a step. */
  readonly batch: number;
  /** Flags of `deno task qat`, that a short training is done by; absent: there is no data for it. */
  readonly training?: readonly string[];
}

/** Pictures that are cut or stretched to any size. */
const PICTURES = ["--data", `cifar10:${SHARED}/data/cifar10`, "--limit", "640", "--batch-size", "32"];
const SHORT = ["--float-epochs", "2", "--epochs", "1", "--no-control", "--precise"];
const TOKENS: ZooOptions = { inputShape: [64], tokens: { size: 1000 }, outputs: 10 };
const SEQUENCES = ["--data", "generated:brackets", "--limit", "320", ...SHORT];
const SHAPES = ["--task", "detection", "--data", "generated:shapes", "--limit", "160", "--batch-size", "8"];
const MASKS = ["--task", "segmentation", "--data", "generated:masks", "--limit", "160", "--batch-size", "8"];

/** Sides of pictures that nets of photographs are trained at here, and of those that are to be found on them. */
const [TRAINED_SIDE, FOUND_SIDE] = [64, 96];

/** What cannot be told from the table of architectures. */
const OWN: Readonly<Partial<Record<ArchName, Partial<ZooRow>>>> = {
  mlp: { options: { inputShape: [64], outputs: 10 }, batch: 64 },
  lstm: { options: TOKENS, batch: 32, training: SEQUENCES },
  gru: { options: TOKENS, batch: 32, training: SEQUENCES },
  transformer: { options: TOKENS, batch: 32, training: SEQUENCES },
  transformer_encoder: { options: TOKENS, batch: 8, training: SEQUENCES },
  unet: { options: { inputShape: [128, 128, 3], outputs: 4, head: "map" }, batch: 8, training: [...MASKS, ...SHORT] },
  unet_transposed: {
    options: { inputShape: [128, 128, 3], outputs: 4, head: "map" },
    batch: 8,
    training: [...MASKS, ...SHORT],
  },
  tiny_yolov2: { options: { inputShape: [416, 416, 3], outputs: 20, head: "boxes" }, batch: 8 },
  yolov3: { batch: 2 },
  resnext101_32x8d: { batch: 2 },
};

/** All rows, in the order of the table of architectures. */
export const ZOO_ROWS: readonly ZooRow[] = ARCH_NAMES.map((name) => ({ ...rowOf(name), ...OWN[name] }));

function rowOf(name: ArchName): ZooRow {
  const { published, boxes, leastSide = 0, takes } = ARCHITECTURES[name];
  if (boxes !== undefined) {
    const training = [...SHAPES, "--input-size", `${FOUND_SIDE}`, "--adapt-epochs", "1", ...SHORT];
    return { name, options: { inputShape: [416, 416, 3], outputs: 80, head: "boxes" }, batch: 8, training };
  }
  if (published === undefined || !takes.includes("pictures")) {
    const training = takes.includes("pictures") ? { training: [...PICTURES, ...SHORT] } : {};
    return { name, options: { inputShape: [32, 32, 3], outputs: 10 }, batch: 64, ...training };
  }
  const { inputShape, outputs } = published;
  const side = Math.max(TRAINED_SIDE, Math.ceil(leastSide / 32) * 32);
  return {
    name,
    options: { inputShape, outputs },
    batch: 8,
    training: [...PICTURES, "--input-size", `${side}`, ...SHORT],
  };
}

/** Sides of pictures that a row is tried with in small. */
const QUICK_SIDE = 96;

/** The same row in small, to try the command. */
export function quickRow({ training, options, ...row }: ZooRow): ZooRow {
  const [side, , channels] = options.inputShape;
  const isPicture = options.inputShape.length === 3;
  const small = Math.min(side, QUICK_SIDE);
  const isOver = (flag: string) =>
    ["--limit", "--batch-size", "--float-epochs", "--epochs", "--adapt-epochs"].includes(flag);
  const kept = training?.filter((flag, i) => !isOver(flag) && !isOver(training[i - 1] ?? ""));
  return {
    ...row,
    options: {
      ...options,
      outputs: Math.min(options.outputs, 10),
      inputShape: isPicture ? [small, small, channels] : [side],
    },
    batch: 2,
    ...(kept === undefined
      ? {}
      : { training: [...kept, "--limit", "40", "--batch-size", "8", "--float-epochs", "1", "--epochs", "1"] }),
  };
}

/** The flags of a row's training, as the command takes them; without the data beside the checkout it is generated. */
export function trainingFlags({ name, training = [] }: ZooRow, hasShared: boolean): readonly string[] {
  const flags = hasShared ? training : training.map((flag) => flag.includes(SHARED) ? "generated" : flag);
  return ["--arch", name, ...flags];
}
