/** Numbers with their unit in words, the same in the terminal and on the page. */
import { fixed, isKnown, type Maybe, percent, significant, UNKNOWN } from "./_format.ts";

/** Writes numbers of one unit, all with the same number of decimals. */
export interface UnitFormat {
  /** As "93.26%", "1.204 px", "3.21%" (of something) or "0.9134". */
  readonly value: (value: Maybe) => string;
  /** With its sign, as "+0.21"; without one where it rounds to 0. In percentage points for fractions. */
  readonly difference: (from: Maybe, to: Maybe) => string;
  /** What `difference` counts: "points", "px" or "". */
  readonly differenceUnit: string;
  /** For the ticks of an axis, `step` apart. */
  readonly tick: (value: number, step: number) => string;
  /** What the values are of, where the unit says so: "of the distance of the eyes". */
  readonly of: string;
}

/** Makes the format of numbers of `unit` (see `MetricReport`) that are as large as `values`. */
export function unitFormat(unit: string, values: readonly Maybe[] = []): UnitFormat {
  if (unit === "fraction") {
    return {
      value: (value) => percent(value),
      difference: (from, to) => signed(from, to, (size) => (100 * size).toFixed(2)),
      differenceUnit: "points",
      tick: (value, step) => percent(value, decimalsFor(100 * step) ?? 2),
      of: "",
    };
  }
  const write = writerFor(values);
  const [, of] = /^% (of .+)$/.exec(unit) ?? [];
  const suffix = of !== undefined ? "%" : unit === "" ? "" : ` ${unit}`;
  return {
    value: (value) => isKnown(value) ? `${write(value)}${suffix}` : UNKNOWN,
    difference: (from, to) => signed(from, to, write),
    differenceUnit: of !== undefined ? "points" : unit,
    tick: (value, step) => `${writeTick(value, step)}${of === undefined ? "" : "%"}`,
    of: of ?? "",
  };
}

/** Four digits, as a percentage with two decimals has; counted from the largest, so that numbers stand in line. */
const DIGITS = 4;

function writerFor(values: readonly Maybe[]): (value: number) => string {
  const largest = Math.max(0, ...values.filter(isKnown).map(Math.abs));
  if (largest >= 1e6 || (largest !== 0 && largest < 1e-3)) return significant;
  const whole = largest < 1 ? 0 : Math.floor(Math.log10(largest)) + 1;
  const decimals = Math.max(0, DIGITS - whole);
  return (value) => fixed(value, decimals);
}

function signed(from: Maybe, to: Maybe, write: (size: number) => string): string {
  if (!isKnown(from) || !isKnown(to)) return UNKNOWN;
  const text = write(Math.abs(to - from));
  if (Number(text) === 0) return text;
  return `${to > from ? "+" : "-"}${text}`;
}

function writeTick(value: number, step: number): string {
  const decimals = decimalsFor(step);
  return decimals === undefined || Math.abs(value) >= 1e6 ? significant(value) : fixed(value, decimals);
}

/** Decimals that tell numbers `step` apart; undefined if they would be too many. */
function decimalsFor(step: number): number | undefined {
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return decimals <= 8 ? decimals : undefined; // Infinity and NaN too
}
