/** Options of a sweep, and what it tells. */
import type { SweepRow } from "../../report/sweep_schema.ts";
import { suggestName } from "../../src/text/nearest.ts";
import { showValue } from "../../src/text/plain.ts";
import { checkKinds, type Kind } from "../_option_kinds.ts";
import type { JobEvents } from "../events.ts";
import { KINDS, type QatOptions, resolveOptions } from "../options.ts";
import { PTQ_KINDS, type PtqOptions, resolvePtqOptions } from "../ptq_options.ts";
import { combine, type GridRow, parseAxis, readGrid } from "./grid.ts";

/** The job that is run for each row, and the options that all rows have. */
export type SweepBase =
  | { readonly of: "qat"; readonly options?: Omit<QatOptions, "out" | "overwrite" | "resume"> }
  | { readonly of: "ptq"; readonly options?: Omit<PtqOptions, "out" | "overwrite"> };

/** Options of `sweep`. */
export type SweepOptions = SweepBase & {
  /** Options and the values that they have in turn, as "lr=1e-4,5e-4": every combination is a row. */
  readonly over?: readonly string[];
  /** A JSON file with rows, in place of `over`. */
  readonly grid?: string;
  /** Where the results go. Default "out/sweep". */
  readonly out?: string;
  /** Begins anew where `out` has another sweep. Default false. */
  readonly overwrite?: boolean;
};

/** What is told while it runs. */
export interface SweepEvents extends JobEvents {
  /** A row was run, or left out. */
  readonly onRow?: (row: SweepRow) => void;
}

/** A sweep whose rows are known, each of which makes sense. */
export interface ResolvedSweep {
  readonly base: Required<SweepBase>;
  readonly rows: readonly GridRow[];
  readonly out: string;
  readonly overwrite: boolean;
}

/** The jobs that can be swept over, with what their options take. */
const JOBS = { qat: KINDS, ptq: PTQ_KINDS } as const;

const OWN: Readonly<Record<string, Kind>> = { of: "text", over: "names", grid: "text", out: "text", overwrite: "flag" };

/**
 * Checks options, and the options of every row.
 *
 * @throws {RangeError} If one is out of range, or options of a row contradict each other.
 */
export async function resolveSweep(given: SweepOptions): Promise<ResolvedSweep> {
  const { options = {}, ...own } = given;
  checkKinds(own, OWN);
  const { of, over, grid, out = "out/sweep", overwrite = false } = own;
  if (of !== "qat" && of !== "ptq") {
    throw new RangeError(`Cannot sweep over ${showValue(of)}: ${suggestName(String(of), Object.keys(JOBS))}`);
  }
  const kinds = JOBS[of];
  checkKinds(options, kinds);
  if ((over === undefined) === (grid === undefined)) {
    throw new RangeError("Cannot sweep: one of --over and --grid is needed");
  }
  const rows = grid === undefined
    ? combine((over ?? []).map((text) => parseAxis(text, kinds)))
    : await readGrid(grid, kinds);
  const base = { of, options } as Required<SweepBase>;
  for (const row of rows) checkRow(row, base);
  return { base, rows, out, overwrite };
}

/** The options of a row's job: those that all have, and its own, which go before. */
export function optionsOf(row: GridRow, { options }: Required<SweepBase>): object {
  const kept = Object.entries(options).filter(([key, value]) =>
    !Object.hasOwn(row.options, key) && value !== undefined
  );
  const own = Object.entries(row.options).filter(([, value]) => value !== undefined);
  return Object.fromEntries([...kept, ...own]);
}

function checkRow(row: GridRow, base: Required<SweepBase>): void {
  try {
    if (base.of === "qat") resolveOptions(optionsOf(row, base));
    else resolvePtqOptions(optionsOf(row, base));
  } catch (cause) {
    if (!(cause instanceof RangeError || cause instanceof TypeError)) throw cause;
    throw new RangeError(`Cannot sweep, in the row "${row.name}": ${cause.message.replace(/^C/, "c")}`, { cause });
  }
}
