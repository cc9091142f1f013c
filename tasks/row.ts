/** What a task says of itself in the table of tasks. */
import type { SampleTarget } from "../data/samples.ts";
import type { OutputOptions } from "./output_task.ts";
import type { TaskSettings } from "./settings.ts";
import type { Task } from "./task.ts";

/** What targets are: classes, real numbers, zeros and ones. */
export type TargetKind = SampleTarget["kind"];
/** Targets of one kind. */
export type TargetOf<K extends TargetKind> = Extract<SampleTarget, { kind: K }>;

/** How models are trained where nothing else is said. */
export interface TrainingDefaults {
  readonly batchSize: number;
  /** Peak learning rate of float training. */
  readonly floatLr: number;
  /** Peak learning rate of quantization-aware training: a fraction of that, for what is trained has been learned. */
  readonly lr: number;
  /** Epochs over which learning rates first rise. */
  readonly warmupEpochs: number;
}

/** A task as a row: what it needs of data and of a model that is built for it. */
export interface TaskRow<K extends TargetKind = TargetKind> {
  /** For help texts, in a few words. */
  readonly what: string;
  /** What its targets are. */
  readonly targets: K;
  /** What a model built for it ends in. */
  readonly head: "softmax" | "sigmoid" | "linear" | "boxes" | "map";
  /** The settings that it takes. Absent: none. */
  readonly settings?: readonly (keyof TaskSettings)[];
  /** How its models are trained otherwise than those of classes. */
  readonly training?: Partial<TrainingDefaults>;
  /** Whether all outputs of a model learn from the same targets together. Absent: each learns from targets of its own. */
  readonly isShared?: true;
  /**
   * Makes the task for targets such as those of the training samples.
   *
   * @throws {TypeError} If there is nothing to learn from them.
   */
  readonly make: (target: TargetOf<K>, options: OutputOptions & TaskSettings) => Task;
  /** What the bias of a model built for it starts from; absent: zeros. */
  readonly bias?: (target: TargetOf<K>) => readonly number[];
}

/** A row that takes targets of any kind, and refuses those of another. */
export interface CheckedRow extends Pick<TaskRow, "what" | "targets" | "head" | "settings" | "training" | "isShared"> {
  /** @throws {TypeError} If the targets are of another kind, or there is nothing to learn from them. */
  readonly make: (target: SampleTarget, options: OutputOptions & TaskSettings) => Task;
  readonly bias: (target: SampleTarget) => readonly number[] | undefined;
}

/** Makes a row check its targets. */
export function checkedRow<K extends TargetKind>({ make, bias, ...rest }: TaskRow<K>): CheckedRow {
  const checked = (target: SampleTarget) => {
    if (isOf(target, rest.targets)) return target;
    throw new TypeError(`the data's targets are ${IN_WORDS[target.kind]}, ${IN_WORDS[rest.targets]} are needed`);
  };
  return {
    ...rest,
    make: (target, options) => make(checked(target), options),
    bias: (target) => bias?.(checked(target)),
  };
}

const IN_WORDS: Readonly<Record<TargetKind, string>> = {
  classes: "classes",
  reals: "real numbers",
  flags: "zeros and ones",
  boxes: "boxes",
  points: "points",
  masks: "masks",
};

function isOf<K extends TargetKind>(target: SampleTarget, kind: K): target is TargetOf<K> {
  return target.kind === kind;
}
