/** Which unit of one net is which of another: by names, where they have them in common, or by place. */
import type { LayerGraph, LayerWeight } from "../../src/rewrite/mod.ts";
import { convert, type Converted } from "./_convert.ts";
import { formOf, Structures, type WeightedUnit, weightedUnits } from "./_units.ts";

/** The weights of one net for the layers of another, and everything that does not fit. */
export interface Match {
  /** By the names of layers. */
  readonly weights: ReadonlyMap<string, readonly LayerWeight[]>;
  /** How many units that is of. */
  readonly units: number;
  /** Batch normalization that does nothing, for the other net has it folded into convolutions. */
  readonly idle: readonly string[];
  /** Each the end of a sentence. */
  readonly problems: readonly string[];
}

/** One net and another, without the layers that are left as they are. */
interface Nets {
  readonly to: LayerGraph;
  readonly from: LayerGraph;
}

/** Finds the weights of `from` for `to`; of the ways to find them, by the one that leaves the fewest problems. */
export function matchUnits({ to, from }: Nets): Match {
  const inOrder = (order: "structure" | "written") => {
    const structures = new Structures();
    const [own, given] = [to, from].map((graph) => weightedUnits(graph, structures, order));
    return { own, given };
  };
  const written = inOrder("written");
  const names = new Set(written.given.map(({ layer }) => layer.name));
  const common = written.own.filter(({ layer }) => names.has(layer.name)).length;
  if (2 * common > written.own.length) return matchByName(written.own, written.given);
  const { own, given } = inOrder("structure");
  const structured = matchInOrder(own, given);
  if (structured.problems.length === 0) return structured;
  const plain = matchInOrder(written.own, written.given);
  return plain.problems.length < structured.problems.length ? plain : structured;
}

type Units = readonly WeightedUnit[];

function matchByName(own: Units, given: Units): Match {
  const known = new Map(given.map((unit) => [unit.layer.name, unit]));
  const names = new Set(own.map(({ layer }) => layer.name));
  const pairs = own.map((to): Pair => ({ to, from: known.get(to.layer.name) }));
  const more = given.filter(({ layer }) => !names.has(layer.name)).map((from): Pair => ({ from }));
  return fill([...pairs, ...more]);
}

function matchInOrder(own: Units, given: Units): Match {
  return fill(align(own, given));
}

/** A unit of each net; one of them may have none. */
interface Pair {
  readonly to?: WeightedUnit | undefined;
  readonly from?: WeightedUnit | undefined;
}

function fill(pairs: readonly Pair[]): Match {
  const weights = new Map<string, readonly LayerWeight[]>();
  const idle: string[] = [];
  const problems: string[] = [];
  let units = 0;
  for (const { to, from } of pairs) {
    if (to === undefined || from === undefined) {
      problems.push(to === undefined ? tooMany(from) : tooFew(to));
      continue;
    }
    const converted = keyOf(to) === keyOf(from) ? convert(to, from) : refuse(to, from);
    if (!converted.ok) {
      problems.push(`"${to.layer.name}" ${converted.because}`);
      continue;
    }
    units++;
    converted.weights.forEach((list, name) => weights.set(name, list));
    if (converted.idle !== undefined) idle.push(converted.idle);
  }
  return { weights, units, idle, problems };
}

function tooFew(unit: WeightedUnit): string {
  return `"${unit.layer.name}", ${describe(unit)}, has none in the file`;
}

function tooMany(unit: WeightedUnit | undefined): string {
  return `"${unit?.layer.name}" of the file${unit === undefined ? "" : `, ${describe(unit)},`} has no place in the net`;
}

function refuse(to: WeightedUnit, from: WeightedUnit): Converted {
  const other = to.layer.name === from.layer.name ? "" : ` ("${from.layer.name}")`;
  return { ok: false, because: `is ${describe(to)}, in the file ${describe(from)}${other}` };
}

function describe({ layer }: WeightedUnit): string {
  return `${layer.className} [${layer.weights[0].shape}]`;
}

function keyOf({ layer }: WeightedUnit): string {
  const { kind, shape } = formOf(layer);
  return `${kind} ${shape}`;
}

/**
 * Pairs the units of two nets in their order. Units of one form are paired where most of them can be; between those, units
 * are paired by place, and what is left over has none.
 */
function align(own: Units, given: Units): readonly Pair[] {
  const common = longestCommon(own.map(keyOf), given.map(keyOf));
  const pairs: Pair[] = [];
  let [i, j] = [0, 0];
  for (const [a, b] of [...common, [own.length, given.length] as const]) {
    for (; i < a || j < b; i++, j++) {
      pairs.push({ to: i < a ? own[i] : undefined, from: j < b ? given[j] : undefined });
    }
    if (a < own.length && b < given.length) pairs.push({ to: own[a], from: given[b] });
    [i, j] = [a + 1, b + 1];
  }
  return pairs;
}

/** Returns the places of a longest common subsequence of two lists. */
function longestCommon(a: readonly string[], b: readonly string[]): readonly (readonly [number, number])[] {
  const lengths = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      lengths[i][j] = a[i] === b[j] ? lengths[i + 1][j + 1] + 1 : Math.max(lengths[i + 1][j], lengths[i][j + 1]);
    }
  }
  const places: [number, number][] = [];
  for (let [i, j] = [0, 0]; i < a.length && j < b.length;) {
    if (a[i] === b[j]) places.push([i++, j++]);
    else if (lengths[i + 1][j] >= lengths[i][j + 1]) i++;
    else j++;
  }
  return places;
}
