/** What is written down of a run before its first step. */
import { version_core } from "@tensorflow/tfjs-core";
import { version_layers } from "@tensorflow/tfjs-layers";
import { showValue } from "../src/text/plain.ts";
import { ORT_VERSION } from "../src/runtime/session.ts";
import { MAKER } from "../src/version.ts";
import { isResult } from "./_files.ts";
import { flagOf, quote } from "./_flags.ts";
import type { QatOptions, ResolvedOptions } from "./options.ts";

/** A run cannot be gone on with: one line that says why. */
export class RunError extends Error {
  override readonly name: string = "RunError";
}

/** What a run is of. */
export interface RunRecord {
  /** The options as they were given. */
  readonly asked: QatOptions;
  /** The folder as it was called then. */
  readonly out: string;
  /** Files of a run before, which this one is to replace, relative to the folder. */
  readonly replaces: readonly string[];
  /** Of what decides how numbers are rounded. */
  readonly versions: Readonly<Record<string, string>>;
  /** Hash of the samples. */
  readonly data: string;
  /** Hash of the weights that the model had at first. */
  readonly model: string;
}

const FORMAT = "tfjs-qat run";
const VERSION = 1;

/** Returns the versions that this process runs. */
export function versionsNow(): Readonly<Record<string, string>> {
  return {
    "tfjs-qat": MAKER.version,
    deno: Deno.version.deno,
    tfjs: version_core,
    "tfjs-layers": version_layers,
    "onnxruntime-node": ORT_VERSION,
  };
}

/** Writes a record as JSON. */
export function writeRun(record: RunRecord): string {
  return `${JSON.stringify({ format: FORMAT, version: VERSION, ...record }, null, 2)}\n`;
}

/**
 * Reads a record; its options are for `resolveOptions` to check.
 *
 * @throws {RunError} If it is damaged, or of another version.
 */
export function readRun(path: string): RunRecord {
  const { format, version, asked, out, replaces, versions, data, model } = Object(parse(path));
  if (format !== FORMAT) throw new RunError(`Cannot go on with "${path}": it is damaged, or no record of a run`);
  if (version !== VERSION) {
    throw new RunError(`Cannot go on with "${path}": it is of version ${showValue(version)}, needed is ${VERSION}`);
  }
  const texts = [out, data, model, ...Object.values(Object(versions))];
  // They are removed one day.
  const areOurs = Array.isArray(replaces) && replaces.every((name) => typeof name === "string" && isResult(name));
  if (!areOurs || !texts.every((text) => typeof text === "string" && text !== "")) {
    throw new RunError(`Cannot go on with "${path}": it is damaged`);
  }
  return { asked, out, replaces, versions: Object(versions), data, model };
}

function parse(path: string): unknown {
  try {
    return JSON.parse(Deno.readTextFileSync(path));
  } catch {
    return undefined;
  }
}

/** Options that change nothing in the results: they may be others when a run goes on. */
const FREE: readonly string[] = ["debug", "checkpointMinutes"];

/**
 * Checks that options given once more are those that the run was begun with.
 *
 * @throws {RangeError} If one is not; it is named.
 */
export function checkOptionsAgree(dir: string, given: QatOptions, saved: ResolvedOptions): void {
  const before = new Map<string, unknown>(Object.entries(saved));
  for (const [key, value] of Object.entries(given)) {
    if (value === undefined || FREE.includes(key)) continue;
    const old = key === "out" ? [dir, saved.out] : [before.get(key)];
    if (old.some((one) => JSON.stringify(one) === JSON.stringify(value))) continue;
    const was = before.get(key) === undefined ? "without it" : `with ${showValue(before.get(key))}`;
    throw new RangeError(
      `Cannot use ${flagOf(key)} ${showValue(value)} with --resume ${quote(dir)}: the run was begun ${was}`,
    );
  }
}
