/** How much classes count in the loss: what `--class-weights` says, in the order of the classes. */
import type { SampleTarget } from "../data/samples.ts";
import { lookUp, suggestName } from "../src/text/nearest.ts";
import { showValue } from "../src/text/plain.ts";
import { TASK_NAMES, taskRow } from "./mod.ts";

/**
 * Reads `--class-weights`: "balanced", numbers between commas, or a JSON file of numbers by class, or in their order.
 *
 * Balanced weights are samples / (classes · samples of the class), which sum to the samples; a class that no sample is of
 * gets 1.
 *
 * @param target What is to be learned, by the training samples.
 * @throws {RangeError} If the task knows no classes, the file cannot be read, or the weights are not those of the target's classes.
 */
export async function readClassWeights(
  asked: string,
  { target, task, readFile }: {
    readonly target: SampleTarget;
    readonly task: string;
    /** Reads a JSON file; what it throws says why it cannot, as the end of a sentence. */
    readonly readFile: (path: string) => Promise<unknown>;
  },
): Promise<readonly number[]> {
  const cannot = `Cannot use --class-weights ${showValue(asked)}`;
  if (!weighs(task) || (target.kind !== "classes" && target.kind !== "masks")) {
    const able = TASK_NAMES.filter(weighs).join(" or ");
    throw new RangeError(`${cannot} with --task ${task}: it does not weigh classes, needed is ${able}`);
  }
  if (asked === "balanced") return balanced(target.kind === "classes" ? target.labels : target.values, target.names);
  const isList = /^[\d.,eE+\-\s]+$/.test(asked);
  const given = isList ? asked.split(",").map(toNumber) : await reading(asked, { cannot, readFile });
  const weights = Array.isArray(given) ? given : byName(given, { names: target.names, cannot });
  return checked(weights, { names: target.names, cannot });
}

function weighs(task: string): boolean {
  return taskRow(task).settings?.includes("classWeights") ?? false;
}

function toNumber(text: string): number {
  return text.trim() === "" ? NaN : Number(text);
}

function balanced(labels: ArrayLike<number>, names: readonly string[]): readonly number[] {
  const counts = names.map(() => 0);
  let all = 0;
  for (let i = 0; i < labels.length; i++) {
    // What a pixel has that counts for nothing, see `Masks` of data/samples.ts, is no class.
    if (labels[i] >= names.length) continue;
    counts[labels[i]]++;
    all++;
  }
  const there = counts.filter((count) => count > 0).length;
  return counts.map((count) => count === 0 ? 1 : all / (there * count));
}

async function reading(
  path: string,
  { cannot, readFile }: { readonly cannot: string; readonly readFile: (path: string) => Promise<unknown> },
): Promise<unknown> {
  try {
    return await readFile(path);
  } catch (cause) {
    const because = cause instanceof Error ? cause.message : String(cause);
    throw new RangeError(`${cannot}: ${because} ("balanced", numbers or a JSON file are needed)`, { cause });
  }
}

interface Classes {
  readonly names: readonly string[];
  readonly cannot: string;
}

function byName(given: unknown, { names, cannot }: Classes): readonly unknown[] {
  if (typeof given !== "object" || given === null) {
    throw new RangeError(`${cannot}: it has ${showValue(given)}, needed is an object of numbers by class, or a list`);
  }
  const weights: Readonly<Record<string, unknown>> = { ...given };
  for (const name of Object.keys(weights)) {
    if (names.includes(name)) continue;
    throw new RangeError(`${cannot}: the data has no class ${showValue(name)}, ${suggestName(name, names)}`);
  }
  const missing = names.find((name) => lookUp(weights, name) === undefined);
  if (missing !== undefined) {
    throw new RangeError(`${cannot}: it has no weight of ${showValue(missing)}, one is needed`);
  }
  return names.map((name) => weights[name]);
}

function checked(weights: readonly unknown[], { names, cannot }: Classes): readonly number[] {
  if (weights.length !== names.length) {
    throw new RangeError(
      `${cannot}: it has ${weights.length} numbers, needed is one for each of ${names.length} classes`,
    );
  }
  const numbers = weights.map((weight, i) => {
    if (typeof weight === "number" && weight >= 0 && weight < Infinity) return weight;
    throw new RangeError(
      `${cannot}: the weight of ${showValue(names[i])} is ${showValue(weight)}, needed is a number from 0`,
    );
  });
  if (numbers.some((weight) => weight > 0)) return numbers;
  throw new RangeError(`${cannot}: all weights are 0, needed is one above 0`);
}
