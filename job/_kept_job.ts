/** Jobs of a search or a sweep: what an earlier one of the same words left is taken up, so that nothing is done twice. */
import { join } from "node:path";
import { DEBUG_SCHEMA, type DebugReport } from "../report/debug_schema.ts";
import type { Report } from "../report/schema.ts";
import { exists } from "../src/io/disk.ts";
import { readTextWithin } from "../src/io/read.ts";
import { JsonError, parseJson } from "../src/text/json.ts";
import { commandOf } from "./_flags.ts";
import { debugModel } from "./debug.ts";
import type { DebugOptions } from "./debug_options.ts";
import type { JobEvents } from "./events.ts";
import type { QatOptions } from "./options.ts";
import { runPtq } from "./ptq.ts";
import type { PtqOptions } from "./ptq_options.ts";
import { runQat } from "./qat.ts";

/** A job and its folder. */
export type KeptJob =
  | { readonly of: "qat"; readonly options: Omit<QatOptions, "overwrite" | "resume">; readonly dir: string }
  | { readonly of: "ptq"; readonly options: Omit<PtqOptions, "overwrite">; readonly dir: string };

/** What a job came to. */
export interface KeptReport {
  readonly report: Report;
  /** Whether it was run just now, or went on just now. */
  readonly isNew: boolean;
}

/** Returns the report of a job: of one that was run before by the same words, or of one that is run now or goes on. */
export async function keptReport(job: KeptJob, events: JobEvents): Promise<KeptReport> {
  const { dir } = job;
  if (job.of === "qat") {
    const options = { ...job.options, out: dir };
    const known = await readReport(dir, commandOf(options, "qat"));
    if (known !== undefined) return { report: known, isNew: false };
    const isBegun = await isBegunBy(dir, options);
    return { report: await runQat(isBegun ? { resume: dir } : { ...options, overwrite: true }, events), isNew: true };
  }
  const options = { ...job.options, out: dir, overwrite: true };
  const known = await readReport(dir, commandOf(options, "ptq"));
  if (known !== undefined) return { report: known, isNew: false };
  return { report: await runPtq(options, events), isNew: true };
}

/** Returns what debugging finds of a model: what was found before by the same words, or what is found now. */
export async function keptDebug(
  options: DebugOptions & { readonly out: string },
  events: JobEvents,
): Promise<DebugReport> {
  const path = join(options.out, "debug.json");
  const known = exists(path) ? Object(await readRecord(path)) : {};
  const isSame = known.schema === DEBUG_SCHEMA && known.command === commandOf(options, "debug") &&
    Array.isArray(Object(known.keep).choices);
  return isSame ? known as DebugReport : await debugModel(options, events);
}

/** Whether a folder has a run of these options that has not ended. */
async function isBegunBy(dir: string, options: QatOptions): Promise<boolean> {
  const path = join(dir, "run", "run.json");
  if (!exists(path)) return false;
  const { asked } = Object(await readRecord(path));
  return typeof asked === "object" && commandOf(Object(asked), "qat") === commandOf(options, "qat");
}

/** Reads what a finished job left; undefined where there is none of the same words. */
async function readReport(dir: string, command: string): Promise<Report | undefined> {
  const path = join(dir, "report.json");
  if (!exists(path)) return undefined;
  const report = Object(await readRecord(path));
  return report.command === command && Array.isArray(report.metrics) ? report as Report : undefined;
}

/** Largest file that is read back. */
const MOST_BYTES = 2 ** 26;

/** Reads what a search or a job left; undefined where it is damaged, and is of no more use than none. */
export async function readRecord(path: string): Promise<unknown> {
  const text = await readTextWithin(path, { most: MOST_BYTES });
  try {
    return parseJson(text);
  } catch (error) {
    if (error instanceof JsonError) return undefined;
    throw error;
  }
}
