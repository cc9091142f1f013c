/** Grids of a sweep: files of rows, and what `--over` is given. */
import { KINDS } from "../../../job/options.ts";
import { PTQ_KINDS } from "../../../job/ptq_options.ts";
import { combine, gridOf, type GridRow, parseAxis } from "../../../job/sweep/grid.ts";
import { parseJson } from "../../../src/text/json.ts";
import { check, type Prepare } from "../_case.ts";
import { hostileValue, mutateJson, mutateText } from "../_mutate.ts";

const GRIDS: readonly object[] = [
  { over: { lr: [1e-4, 5e-4], "keep-float": [[], ["kind:Add"]], augment: [true, null] } },
  { rows: [{ name: "plain" }, { name: "b", options: { epochs: 2, target: "arm" } }, { options: { seed: 1 } }] },
];

const AXES = ["lr=1e-4,5e-4", "keep-float=none,kind:Add+kind:relu", "augment=true,default", "target=x86,arm"];

/** A grid that is damaged, or the text of an axis. */
export const prepare: Prepare = () => (random) => {
  const kinds = random.pick([KINDS, PTQ_KINDS]);
  if (random.chance(0.4)) {
    const text = mutateText(random, random.pick(AXES));
    return { what: text.slice(0, 100), read: () => checkRows(combine([parseAxis(text, kinds)])) };
  }
  const grid: unknown = structuredClone(random.pick(GRIDS));
  const isAnything = random.chance(0.1);
  const what = isAnything ? "anything" : mutateJson(random, grid);
  const text = JSON.stringify(isAnything ? hostileValue(random) : grid) ?? "";
  return { what, read: () => checkRows(readText(text, kinds)) };
};

function readText(text: string, kinds: typeof KINDS | typeof PTQ_KINDS): readonly GridRow[] {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (cause) {
    throw new RangeError(`Cannot read: ${cause instanceof Error ? cause.message : ""}`, { cause });
  }
  return gridOf(value, { kinds, cannot: "Cannot read" });
}

function checkRows(rows: readonly GridRow[]): void {
  check(rows.length > 0 && rows.length <= 1000, `${rows.length} rows`);
  check(new Set(rows.map(({ name }) => name.toLowerCase())).size === rows.length, "two rows of one name");
  for (const { name } of rows) check(/^[\w.,=+-]{1,110}$/.test(name) && !name.startsWith("."), `the name ${name}`);
}
