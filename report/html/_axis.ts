/** An axis with round ends around a few values. */

/** From where to where an axis goes, and the step that its ends are multiples of. */
export interface Axis {
  readonly min: number;
  readonly max: number;
  readonly step: number;
}

/** Where an axis may begin and end. */
export interface AxisOptions {
  /** Default: 0 where no value is negative. */
  readonly min?: number;
  /** Default: 0 where no value is positive. */
  readonly max?: number;
}

/** Where an axis of `values` may begin and end: shares go from 0 to 1; errors that are told as fractions may be larger. */
export function endsOf(values: readonly number[], unit: string): AxisOptions {
  return areShares(values, unit) ? { min: 0, max: 1 } : {};
}

/**
 * Keeps an axis that ECharts chooses, of so many `splits` from `from` on, from going on beyond 1 where values are shares.
 *
 * Source: ECharts 6, `nice` of util/number: a step is 1, 2, 3, 5 or 10 times a power of ten.
 */
export function endOfShares(
  values: readonly number[],
  { unit, from, splits }: { readonly unit: string; readonly from: number; readonly splits: number },
): { readonly max?: number } {
  if (values.length === 0 || !areShares(values, unit)) return {};
  const high = Math.max(...values);
  const size = (high - from) / splits;
  // Equal values are given room on both sides.
  if (size <= 0) return { max: 1 };
  const power = 10 ** Math.floor(Math.log10(size));
  const [, times] = NICE.find(([below]) => size / power < below)!;
  return Math.ceil(high / (times * power) - 1e-9) * times * power > 1 + 1e-9 ? { max: 1 } : {};
}

/** ECharts' steps: up to which size each is taken. */
const NICE = [[1.5, 1], [2.5, 2], [4, 3], [7, 5], [Infinity, 10]] as const;

function areShares(values: readonly number[], unit: string): boolean {
  return unit === "fraction" && values.every((value) => value >= 0 && value <= 1);
}

/** Steps that the values are to lie within. */
const STEPS = 6;

/** Steps that a reader can halve in the head, over a power of ten. */
const ROUND = [1, 2, 5, 10];

/**
 * Chooses an axis around `values` whose ends and middle are round, which shows how the values differ and not how large
 * they are.
 *
 * Values that are all on one side of 0 get an axis that does not cross it.
 *
 * @param values Finite numbers.
 */
export function chooseAxis(
  values: readonly number[],
  options: AxisOptions = {},
): Axis {
  const low = Math.min(...values, ...(values.length === 0 ? [0] : []));
  const high = Math.max(...values, ...(values.length === 0 ? [1] : []));
  const floor = options.min ?? (low >= 0 ? 0 : -Infinity);
  const ceiling = options.max ?? (low < 0 && high <= 0 ? 0 : Infinity);
  const step = roundStep(Math.max((high - low) / STEPS, smallestStep(low, high)));
  const min = Math.max(floor, Math.floor((low - step / 4) / step) * step);
  const needed = Math.max(2, Math.ceil((high + step / 4 - min) / step - 1e-9));
  const span = step * (needed + needed % 2); // an even number of steps, so that the middle is round too
  return min + span <= ceiling
    ? { min, max: min + span, step }
    : { min: Math.max(floor, ceiling - span), max: ceiling, step };
}

/** Equal values would leave no step at all: a thousandth of what they are tells the digits that are written apart. */
function smallestStep(low: number, high: number): number {
  return Math.max(Math.abs(low), Math.abs(high)) / 1000 || 0.1;
}

function roundStep(size: number): number {
  const power = 10 ** Math.floor(Math.log10(size));
  return (ROUND.find((step) => size <= step * power * (1 + 1e-9)) ?? 10) * power;
}
