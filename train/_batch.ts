/** Batches by name, and what is checked before a model sees one. */
import type * as tfl from "@tensorflow/tfjs-layers";
import { inputNames, type InputShapes, inputShapesOf, type InputValues } from "../models/ports.ts";
import { outputNames, pickByName } from "../models/ports.ts";
import { describeValues, fits, shapeOfTarget } from "../tasks/target_values.ts";
import type { BoundTask, Head, TargetSpec, TargetValues } from "../tasks/task.ts";

/** Samples to learn from or to be judged by. */
export interface SampleBatch {
  /** By the inputs' names: [size, …shape of one sample], row-major. Of a model with one input, the name is free. */
  readonly inputs: Readonly<Record<string, InputValues>>;
  /** By the outputs' names: indices [size, …], or numbers [size, …]. Where one output is trained, the name is free. */
  readonly targets: Readonly<Record<string, TargetValues>>;
  readonly size: number;
}

/** A batch in the order of the model's inputs and of the trained outputs. */
export interface OrderedBatch {
  readonly inputs: readonly InputValues[];
  readonly targets: readonly TargetValues[];
  readonly size: number;
}

/** What is known of a model's batches before the first. */
export interface BatchPlan {
  readonly inputs: readonly { readonly name: string; readonly shape: readonly number[] }[];
  readonly heads: readonly { readonly output: string; readonly head: Head }[];
  /** Outputs that are not trained: targets for them are no mistake. */
  readonly others: readonly string[];
  /** As in `train "lenet"`. */
  readonly doing: string;
}

/** Says what batches for `model` and `task` must be. */
export function planBatches(
  model: tfl.LayersModel,
  { task, inputShape, doing }: { readonly task: BoundTask; readonly inputShape?: InputShapes; readonly doing: string },
): BatchPlan {
  const shapes = inputShapesOf(model, inputShape);
  return {
    inputs: inputNames(model).map((name, i) => ({ name, shape: shapes[i] })),
    heads: Object.entries(task.heads).map(([output, head]) => ({ output, head })),
    others: outputNames(model).filter((name) => !Object.hasOwn(task.heads, name)),
    doing,
  };
}

/**
 * Puts a batch in order, after checking that it fits.
 *
 * @throws {TypeError} If an array has another length or type than is needed.
 * @throws {RangeError} If a name is missing or unknown, a target is out of range or no number.
 */
export function orderBatch({ inputs, targets, size }: SampleBatch, plan: BatchPlan): OrderedBatch {
  const { doing, others } = plan;
  const x = pickByName(plan.inputs.map(({ name }) => name), inputs, { what: "input", doing });
  plan.inputs.forEach((port, i) => checkInput(x[i], { ...port, size, doing, isOnly: plan.inputs.length === 1 }));
  const y = pickByName(plan.heads.map(({ output }) => output), targets, { what: "target", doing, others });
  plan.heads.forEach(({ output, head }, i) => checkTargets(y[i], head.target, { output, size, doing }));
  return { inputs: x, targets: y, size };
}

interface InputCheck {
  readonly name: string;
  readonly shape: readonly number[];
  readonly size: number;
  readonly doing: string;
  readonly isOnly: boolean;
}

function checkInput(x: InputValues, { name, shape, size, doing, isOnly }: InputCheck): void {
  const needed = shape.reduce((product, dim) => product * dim, size);
  if (size >= 1 && x.length === needed) return;
  const whose = isOnly ? "" : ` for input "${name}"`;
  throw new TypeError(
    `Cannot ${doing}: a batch of ${size} has ${x.length} numbers${whose}, needed are ${needed} (${size} of [${shape}])`,
  );
}

interface TargetCheck {
  readonly output: string;
  readonly size: number;
  readonly doing: string;
}

function checkTargets(y: TargetValues, spec: TargetSpec, { output, size, doing }: TargetCheck): void {
  const cannot = `Cannot ${doing}`;
  const whose = `the targets of output "${output}"`;
  if (spec.kind === "any") {
    if (y.length > 0 && y.length % size === 0) return;
    throw new TypeError(`${cannot}: ${whose} are ${y.length} numbers for a batch of ${size}, whole samples are needed`);
  }
  const wantsIntegers = spec.kind === "index" || spec.kind === "map";
  if (y instanceof Int32Array !== wantsIntegers) {
    const [are, needed] = wantsIntegers
      ? ["real numbers (Float32Array)", "whole numbers (Int32Array)"]
      : ["whole numbers (Int32Array)", "real numbers (Float32Array)"];
    throw new TypeError(`${cannot}: ${whose} are ${are}, needed are ${needed}`);
  }
  const width = shapeOfTarget(spec).reduce((product, dim) => product * dim, 1);
  if (y.length !== size * width) {
    const each = width === 1 ? "one" : `${width}`;
    throw new TypeError(
      `${cannot}: ${whose} are ${y.length} for a batch of ${size}, needed are ${size * width} (${each} a sample)`,
    );
  }
  const bad = y.findIndex((value, at) => !fits(value, { spec, at }));
  if (bad < 0) return;
  throw new RangeError(
    `${cannot}: a target of output "${output}" is ${y[bad]} (sample ${Math.floor(bad / width)} of its batch), ` +
      `needed is ${describeValues(spec)}`,
  );
}

/** Names what is no number among a batch's inputs, or undefined if all are finite. */
export function describeNotFinite({ inputs, targets }: OrderedBatch, plan: BatchPlan): string | undefined {
  const found = [
    ...inputs.map((values, i) => ({ values, what: `input "${plan.inputs[i].name}"` })),
    ...targets.map((values, i) => ({ values, what: `the targets of "${plan.heads[i].output}"` })),
  ].find(({ values }) => !values.every(Number.isFinite));
  if (found === undefined) return undefined;
  const at = found.values.findIndex((value) => !Number.isFinite(value));
  return `${found.what} is ${found.values[at]} at number ${at} of its batch`;
}
