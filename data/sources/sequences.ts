/**
 * Sequences of tokens for tasks that have to be learned, made from a seed, never downloaded.
 *
 * `brackets`: are nested brackets of three kinds balanced? `sorting`: a sequence of digits, to be answered in order.
 * Each sequence has a random stream of its own: the first ones are the same however many are asked for. No sequence is in
 * both halves, whatever the seed: a hash of its tokens says to which half it belongs, and others are drawn again.
 */
import type { Parts } from "../dataset.ts";
import type { SampleSet, SampleSplit, SampleTarget } from "../samples.ts";
import { Random } from "../../src/numbers/random.ts";

/** What sequences are made. */
export interface SequenceOptions {
  /** Training samples; default 20,000. */
  readonly train?: number;
  /** Test samples; default 10,000. */
  readonly test?: number;
  /** Default 0. */
  readonly seed?: number;
  /** Brackets or digits of the longest sequence; the defaults are 12 and 10. */
  readonly length?: number;
}

/** Of every second tokens that may be, half belong to each part. */
const HALVES = { train: 0, test: 1 } as const;
type Half = keyof typeof HALVES;

/** The vocabulary of brackets; their kinds come in pairs, the opening one first. */
const BRACKETS = ["(nothing)", "start", "(", ")", "[", "]", "{", "}"];
const PADDING = 0;
const START = 1;
const FIRST_BRACKET = 2;
const KINDS = 3;

/** Fewer brackets, and one half of the sequences would soon be known by heart. */
const LEAST_BRACKETS = 8;
const LEAST_DIGITS = 4;

/**
 * Generates nested brackets of three kinds, half of them balanced.
 *
 * A sequence is "start", an even number of brackets from 8 on, and padding. Unbalanced ones are balanced ones of which
 * two tokens have changed places, often two closing brackets: to count brackets is no help.
 *
 * Shapes: tokens [count, length + 1], int32; classes "unbalanced" and "balanced".
 *
 * @throws {RangeError} If a count is not positive, the length is not even or less than 8, or the seed is no integer from 0.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { generateBrackets } from "./sequences.ts";
 *
 * const { train, test } = generateBrackets({ train: 20, test: 10, length: 12 });
 * assert.deepEqual([train.count, test.count], [20, 10]);
 * const { tokens } = train.inputs;
 * assert.equal(tokens.kind === "tokens" && tokens.values.length, 20 * 13);
 * ```
 */
export function generateBrackets(options: SequenceOptions = {}): SampleSplit {
  const { length = 12 } = options;
  check("brackets", { ...options, length }, { least: LEAST_BRACKETS, isEven: true });
  const set = (half: Half, sized: Sized): SampleSet => {
    const width = length + 1;
    const values = new Int32Array(sized.count * width).fill(PADDING);
    const labels = new Int32Array(sized.count);
    for (let i = 0; i < sized.count; i++) {
      // Of each two neighbours one is balanced.
      const first = new Random(sized.seed, [HALVES[half], 1, i >> 1]).below(2);
      labels[i] = (first + i) % 2;
      const random = new Random(sized.seed, [HALVES[half], 0, i]);
      const brackets = drawFor(half, () => drawBrackets(random, { length, isBalanced: labels[i] === 1 }));
      values.set([START, ...brackets], i * width);
    }
    return {
      name: `brackets ${half}`,
      count: sized.count,
      inputs: { tokens: { kind: "tokens", values, length: width, names: BRACKETS, padding: PADDING } },
      targets: { label: { kind: "classes", labels, names: ["unbalanced", "balanced"] } },
    };
  };
  return { name: "brackets", ...halves(options, set) };
}

/**
 * Generates sequences of digits, whose answers are the same digits in ascending order.
 *
 * Shapes: tokens [count, length], int32, a token a digit; classes [count, length].
 *
 * @throws {RangeError} If a count is not positive, the length is less than 4, or the seed is no integer from 0.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { generateSorting } from "./sequences.ts";
 *
 * const { tokens } = generateSorting({ train: 1, test: 1, length: 4 }).train.inputs;
 * const { sorted } = generateSorting({ train: 1, test: 1, length: 4 }).train.targets;
 * assert.ok(tokens.kind === "tokens" && sorted.kind === "classes");
 * assert.deepEqual(sorted.labels, tokens.values.toSorted());
 * ```
 */
export function generateSorting(options: SequenceOptions = {}): SampleSplit {
  const { length = 10 } = options;
  check("sorting", { ...options, length }, { least: LEAST_DIGITS, isEven: false });
  const names = Array.from({ length: 10 }, (_, digit) => `${digit}`);
  const set = (half: Half, { count, seed }: Sized): SampleSet => {
    const values = new Int32Array(count * length);
    const labels = new Int32Array(count * length);
    for (let i = 0; i < count; i++) {
      const random = new Random(seed, [HALVES[half], 0, i]);
      const digits = drawFor(half, () => Array.from({ length }, () => random.below(names.length)));
      values.set(digits, i * length);
      labels.set(digits.toSorted((a, b) => a - b), i * length);
    }
    const sorted: SampleTarget = { kind: "classes", labels, names, positions: length };
    return {
      name: `sorting ${half}`,
      count,
      inputs: { tokens: { kind: "tokens", values, length, names } },
      targets: { sorted },
    };
  };
  return { name: "sorting", ...halves(options, set) };
}

/** Whether a sequence of tokens is balanced brackets, with whatever is none between. */
export function isBalanced(tokens: Iterable<number>): boolean {
  const open: number[] = [];
  for (const token of tokens) {
    if (token < FIRST_BRACKET) continue;
    if (isOpening(token)) open.push(token);
    else if (open.pop() !== token - 1) return false;
  }
  return open.length === 0;
}

function isOpening(token: number): boolean {
  return (token - FIRST_BRACKET) % 2 === 0;
}

interface Sized {
  readonly count: number;
  readonly seed: number;
}

function halves(
  { train = 20_000, test = 10_000, seed = 0 }: SequenceOptions,
  set: (half: Half, sized: Sized) => SampleSet,
): Parts<SampleSet> {
  return { train: set("train", { count: train, seed }), test: set("test", { count: test, seed }) };
}

function check(
  what: string,
  { train = 1, test = 1, length }: SequenceOptions & { readonly length: number },
  { least, isEven }: { readonly least: number; readonly isEven: boolean },
): void {
  for (const count of [train, test]) {
    if (Number.isInteger(count) && count > 0) continue;
    throw new RangeError(`Cannot generate ${what}: the count is ${count}, needed is a positive integer`);
  }
  if (Number.isInteger(length) && length >= least && !(isEven && length % 2 === 1)) return;
  throw new RangeError(
    `Cannot generate ${what}: the length is ${length}, needed is an ${
      isEven ? "even number" : "integer"
    } from ${least}`,
  );
}

/** Draws until there is a sequence that belongs to `half`. */
function drawFor(half: Half, draw: () => readonly number[]): readonly number[] {
  for (;;) {
    const tokens = draw();
    if (halfOf(tokens) === HALVES[half]) return tokens;
  }
}

/** The highest bit of a hash, FNV-1a: lower bits of that are parities of the tokens' own. */
function halfOf(tokens: readonly number[]): number {
  let hash = 0x811c9dc5;
  for (const token of tokens) hash = Math.imul(hash ^ token, 0x01000193);
  return hash >>> 31;
}

function drawBrackets(
  random: Random,
  { length, isBalanced: asked }: { readonly length: number; readonly isBalanced: boolean },
): readonly number[] {
  const pairs = LEAST_BRACKETS / 2 + random.below((length - LEAST_BRACKETS) / 2 + 1);
  const brackets = drawBalanced(random, pairs);
  return asked ? brackets : unbalance(random, brackets);
}

/**
 * Draws one of all balanced sequences, each as likely as any other.
 *
 * Source: Arnold and Sleep, "Uniform random generation of balanced parenthesis strings" (1980): at depth d, with k tokens
 * to come, the next one closes with probability d·(k + d + 2) / (2·k·(d + 1)).
 */
function drawBalanced(random: Random, pairs: number): readonly number[] {
  const open: number[] = [];
  return Array.from({ length: 2 * pairs }, (_, i) => {
    const [left, depth] = [2 * pairs - i, open.length];
    if (random.chance(depth * (left + depth + 2) / (2 * left * (depth + 1)))) return open.pop()! + 1;
    const token = FIRST_BRACKET + 2 * random.below(KINDS);
    open.push(token);
    return token;
  });
}

/** Lets two tokens change places so that what comes is not balanced; as often as not, two that close. */
function unbalance(random: Random, brackets: readonly number[]): readonly number[] {
  const closing = brackets.flatMap((token, i) => isOpening(token) ? [] : [i]);
  const places = random.chance(0.5) && new Set(closing.map((i) => brackets[i])).size > 1
    ? closing
    : brackets.map((_, i) => i);
  for (;;) {
    const [i, j] = [places, places].map(({ length }) => places[random.below(length)]);
    const changed = brackets.with(i, brackets[j]).with(j, brackets[i]);
    if (!isBalanced(changed)) return changed;
  }
}
