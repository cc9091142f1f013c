/** The task of a job: what `--task` names, for the outputs of the model and the targets of the data. */
import type * as tfl from "@tensorflow/tfjs-layers";
import { mapParts } from "../data/dataset.ts";
import type { OpenedData } from "../data/open.ts";
import { type SampleSet, type SampleTarget, targetWidth } from "../data/samples.ts";
import { detectionOf } from "../models/detection.ts";
import { outputNames, outputPorts, type Port } from "../models/ports.ts";
import { countOf, showValue } from "../src/text/plain.ts";
import { bindTasks } from "../tasks/bind.ts";
import { recordOf } from "../quantize/record.ts";
import { TASK_NAMES, taskRow } from "../tasks/mod.ts";
import type { TaskSettings } from "../tasks/settings.ts";
import type { Task } from "../tasks/task.ts";
import { lossView } from "../train/loss_view.ts";
import type { JobData } from "./_data.ts";
import { flagOf } from "./_flags.ts";
import type { SharedJobOptions } from "./shared_options.ts";
import { TASK_OPTIONS, type TaskOptionRow, type TaskOptions } from "./task_options.ts";

/** What a job is to learn. */
type TaskChoice = Pick<SharedJobOptions, "task" | keyof TaskOptions>;

/** Returns the tasks of the outputs of `model`, in their order; after a rewrite they may be called otherwise. */
export function tasksFor(
  model: tfl.LayersModel,
  options: TaskChoice,
  { train, classWeights }: JobData,
): readonly Task[] {
  const row = taskRow(options.task);
  const targets = Object.values(train.targets);
  const settings = { ...settingsFor(model, options), ...(classWeights === undefined ? {} : { classWeights }) };
  if (row.isShared) return [row.make(targets[0], settings)];
  const names = outputNames(model);
  return targets.map((target, i) => row.make(target, { ...settings, output: names[i] }));
}

/** The settings of a task: what was asked for, and what the model says of itself. */
function settingsFor(model: tfl.LayersModel, options: TaskChoice): TaskSettings {
  const { settings = [] } = taskRow(options.task);
  const asked = Object.entries<TaskOptionRow>(TASK_OPTIONS).flatMap(([key, { setting }]) => {
    const value: unknown = Reflect.get(options, key);
    return setting === undefined || setting === "anchors" || value === undefined ? [] : [[setting, value]];
  });
  return { ...Object.fromEntries(asked), ...toldBy(model, settings) };
}

/** What a model says of itself, of those `settings`. */
function toldBy(model: tfl.LayersModel, settings: readonly (keyof TaskSettings)[]): TaskSettings {
  const known = settings.includes("anchors") ? detectionOf(model) : undefined;
  const [, height, width] = settings.includes("inputSize") ? model.inputs[0].shape : [];
  return {
    ...(known === undefined
      ? {}
      : { anchors: known.anchors, headKind: known.kind, ...(known.reach === undefined ? {} : { reach: known.reach }) }),
    ...(typeof height === "number" && typeof width === "number" ? { inputSize: [height, width] } : {}),
  };
}

/**
 * Checks that options of single tasks are for the one of the job.
 *
 * @throws {RangeError} If one is for another.
 */
export function checkTaskOptions({ task, ...options }: TaskChoice): void {
  const { settings = [] } = taskRow(task);
  for (const [key, { setting }] of Object.entries<TaskOptionRow>(TASK_OPTIONS)) {
    const value: unknown = Reflect.get(options, key);
    if (value === undefined || setting === undefined || settings.includes(setting)) continue;
    const fitting = TASK_NAMES.filter((name) => taskRow(name).settings?.includes(setting)).join(" or ");
    throw new RangeError(
      `Cannot use ${flagOf(key)} ${showValue(value)} with --task ${task}: it is for --task ${fitting}`,
    );
  }
}

/** The task that a prepared model was trained for, where it is one of the table's; else the default. */
export function defaultTaskOf(model: tfl.LayersModel | undefined): string {
  const known = model && recordOf(model)?.task;
  return known !== undefined && TASK_NAMES.includes(known) ? known : TASK_NAMES[0];
}

/**
 * Checks that there is something to learn from the data by the task.
 *
 * @throws {TypeError} If there is not.
 */
export function checkTargets({ train }: OpenedData, { task }: TaskChoice, name: string): void {
  const row = taskRow(task);
  for (const target of Object.values(train.targets)) {
    try {
      row.make(target, {});
    } catch (cause) {
      if (!(cause instanceof TypeError)) throw cause;
      const others = TASK_NAMES.filter((other) => other !== task && taskRow(other).targets === target.kind);
      const hint = row.targets === target.kind || others.length === 0
        ? ""
        : ` (--task ${others.join(" or ")} learns such)`;
      throw new TypeError(`Cannot train "${name}" on "${train.name}" by ${task}: ${cause.message}${hint}`, { cause });
    }
  }
}

/**
 * Checks before any training that the outputs can answer their tasks, and that the losses can be before their activations.
 *
 * @throws {TypeError} If they cannot.
 */
export function checkOutputs(
  model: tfl.LayersModel,
  { options, data, name }: { readonly options: TaskChoice; readonly data: JobData; readonly name: string },
): void {
  const task = bindTasks({ task: tasksFor(model, options, data) }, { outputs: outputPorts(model), model: name });
  lossView(model, task.heads);
}

/**
 * Deals the columns of the one target out to the outputs of `model`, in their order and as many as each is wide; where the
 * task has them learn from the same, each gets all of it.
 *
 * @throws {TypeError} If there are more or fewer columns than the outputs have numbers, or they are not numbers.
 */
export function dealTargets(
  opened: OpenedData,
  model: tfl.LayersModel,
  { task, name }: TaskChoice & { readonly name: string },
): OpenedData {
  const ports = outputPorts(model);
  if (ports.length === 1) return opened;
  const { isShared } = taskRow(task);
  const deal = (set: SampleSet): SampleSet => {
    const [target] = Object.values(set.targets);
    const targets = isShared
      ? Object.fromEntries(ports.map((port) => [port.name, target]))
      : dealOut(target, { ports, count: set.count, cannot: `Cannot train "${name}"` });
    return { ...set, targets };
  };
  return { ...opened, ...mapParts(opened, deal) };
}

interface Deal {
  readonly ports: readonly Port[];
  readonly count: number;
  readonly cannot: string;
}

function dealOut(target: SampleTarget, { ports, count, cannot }: Deal): Readonly<Record<string, SampleTarget>> {
  if (target.kind !== "reals" && target.kind !== "flags") {
    throw new TypeError(`${cannot}: it has ${ports.length} outputs, the data a target for 1 (--outputs names one)`);
  }
  const widths = ports.map(({ shape }) => shape.reduce<number>((product, dim) => product * (dim ?? 1), 1));
  const total = widths.reduce((sum, width) => sum + width, 0);
  const width = targetWidth(target);
  if (total !== width) {
    const each = ports.map(({ name }, i) => `${widths[i]} of "${name}"`).join(", ");
    throw new TypeError(
      `${cannot}: its outputs have ${total} numbers (${each}), the data has ${countOf(width, "target")}`,
    );
  }
  let first = 0;
  return Object.fromEntries(ports.map(({ name }, i) => {
    const [from, to] = [first, first += widths[i]];
    const values = new Float32Array(count * widths[i]);
    for (let row = 0; row < count; row++) {
      values.set(target.values.subarray(row * width + from, row * width + to), row * widths[i]);
    }
    return [name, { kind: target.kind, names: target.names.slice(from, to), values }];
  }));
}
