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
