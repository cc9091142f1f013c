/** Climbs from the cheapest quantization to training, until a file is good enough. */
import { join } from "node:path";
import { version_core } from "@tensorflow/tfjs-core";
import { CHOOSE_SCHEMA, type ChooseReport, type RungReport } from "../report/choose_schema.ts";
import { renderChoice } from "../report/html/choose.ts";
import { commitFiles, OutputError } from "../src/io/atomic.ts";
import { exists } from "../src/io/disk.ts";
import { ORT_VERSION } from "../src/runtime/session.ts";
import { inPlainWords } from "../src/text/plain_errors.ts";
import { MAKER } from "../src/version.ts";
import { intoFolder } from "./_files.ts";
import { commandOf } from "./_flags.ts";
import { readRecord } from "./_kept_job.ts";
import { lineLog } from "./_job.ts";
import { type ChooseContext, type Outcome, tryRung } from "./choose/try.ts";
import { type Climbed, ladder, type Rung } from "./choose/rungs.ts";
import { type ChooseEvents, type ChooseOptions, resolveChooseOptions, type ResolvedChoose } from "./choose/options.ts";

export type { ChooseEvents, ChooseOptions };

/** What is left in the folder of a search, besides the folders of its rungs. */
const FILES = ["choose.html", "choose.json"] as const;

/**
 * Tries ways to quantize `model`, from the cheapest on, until the file of one is good enough in ONNX Runtime: weights alone,
 * ranges at run time, ranges by each observer, each correction, AdaRound, layers kept in float, training from the
 * calibrated state.
 *
 * Each rung leaves its results in a folder of its own in `options.out` (default: "out/choose"), with choose.json and
 * choose.html beside them, written anew after each. A search that was stopped, or whose minutes were over, goes on where
 * it was when it is asked again in the same words; how good, how fast and within how many minutes may be said anew.
 *
 * @returns The report, as written to choose.json.
 * @throws {RangeError} If an option is out of range.
 * @throws {OutputError} If `options.out` has another search or cannot be written to.
 *
 * @example
 * ```ts ignore
 * const { rungs, chosen } = await chooseQuantization({ model: "model.json", data: "folder:photos", tolerance: 1 });
 * console.log(chosen === undefined ? "none is good enough" : rungs[chosen].name);
 * ```
 */
export function chooseQuantization(options: ChooseOptions, events: ChooseEvents = {}): Promise<ChooseReport> {
  return inPlainWords(() => choose(options, events));
}

async function choose(given: ChooseOptions, events: ChooseEvents): Promise<ChooseReport> {
  const options = resolveChooseOptions(given);
  return await intoFolder(options.out, () => climb(options, given, events));
}

async function climb(
  { goal, out, overwrite, ...options }: ResolvedChoose,
  given: ChooseOptions,
  events: ChooseEvents,
): Promise<ChooseReport> {
  const { overwrite: _, ...asked } = given;
  const command = commandOf(asked, "choose");
  const before = await readBefore(out, { command, overwrite });
  const context: ChooseContext = {
    options,
    out,
    goal,
    events,
    log: lineLog(events),
    warned: new Set(),
  };
  const ladder = new Climb(context, { command, before });
  await ladder.run();
  return ladder.report();
}

/** What a command searches, without what only says when to stop: no rung is another for that. */
function searchOf(command: unknown): string | undefined {
  return typeof command === "string" ? command.replaceAll(/ --(?:tolerance|speedup|minutes) \S+/g, "") : undefined;
}

/** Rungs that an earlier search of the same words has tried. */
async function readBefore(
  dir: string,
  { command, overwrite }: { readonly command: string; readonly overwrite: boolean },
): Promise<readonly RungReport[]> {
  const path = join(dir, "choose.json");
  if (overwrite || !exists(path)) return [];
  const known = Object(await readRecord(path));
  // Whoever changed what stands there has the rungs' own reports to answer to.
  const isSame = known.schema === CHOOSE_SCHEMA && searchOf(known.command) === searchOf(command) &&
    Array.isArray(known.rungs);
  if (isSame) return known.rungs.filter((rung: unknown) => typeof Object(rung).name === "string");
  throw new OutputError(`Cannot write to "${dir}": it has another search (choose.json), --overwrite replaces it`);
}

/** A search under way. */
class Climb {
  readonly #context: ChooseContext;
  readonly #command: string;
  readonly #before: readonly RungReport[];
  readonly #outcomes: Outcome[] = [];
  readonly #started = performance.now();
  #ended: ChooseReport["ended"] = "all";

  constructor(
    context: ChooseContext,
    { command, before }: { readonly command: string; readonly before: readonly RungReport[] },
  ) {
    this.#context = context;
    this.#command = command;
    this.#before = before;
  }

  async run(): Promise<void> {
    const steps = ladder();
    let next = steps.next();
    while (!next.done) {
      const outcome = await this.#try(next.value);
      if (outcome === undefined) return;
      next = steps.next(outcome.score);
    }
  }

  /** Tries a rung; undefined where the search ends before it or with it. */
  async #try(rung: Rung): Promise<{ readonly score: Climbed } | undefined> {
    const { goal, events } = this.#context;
    // Of this sitting: what earlier ones took was theirs.
    const seconds = goal.minutes === undefined ? Infinity : 60 * goal.minutes - this.#seconds();
    if (seconds <= 0) return this.#endByTime();
    const outcome = await tryRung(rung, {
      ...this.#context,
      tried: this.#outcomes,
      before: this.#before.find(({ name }) => name === rung.name),
      seconds,
    });
    if (outcome === "time") return this.#endByTime();
    this.#outcomes.push(outcome);
    events.onRung?.(outcome.report);
    const isEnough = "isEnough" in outcome.report && outcome.report.isEnough;
    if (isEnough) this.#ended = "met";
    this.#write();
    return isEnough ? undefined : outcome;
  }

  #endByTime(): undefined {
    this.#ended = "time";
    // Without a rung there is nothing to write.
    if (this.#outcomes.length > 0) this.#write();
  }

  #seconds(): number {
    return (performance.now() - this.#started) / 1000;
  }

  #write(): void {
    const report = this.report();
    const { out: root } = this.#context;
    const contents = { "choose.html": renderChoice(report), "choose.json": `${JSON.stringify(report, null, 2)}\n` };
    commitFiles({ root, files: FILES.map((name) => ({ path: join(root, name), bytes: contents[name] })), remove: [] });
  }

  report(): ChooseReport {
    const { options, goal } = this.#context;
    const judged = this.#outcomes.find(({ metric }) => metric !== undefined)?.metric;
    if (judged === undefined) {
      const because = this.#outcomes.map(({ report }) => "because" in report ? report.because : "").find(Boolean);
      throw new RangeError(`Cannot quantize "${options.model}" in any way: ${because ?? "there was no time for one"}`);
    }
    const chosen = this.#outcomes.findIndex(({ report }) => "isEnough" in report && report.isEnough);
    const { name, unit, better, count, float } = judged;
    return {
      schema: CHOOSE_SCHEMA,
      kind: "choose",
      model: options.model,
      data: options.data,
      metric: { name, unit, better, count },
      float,
      ...goal,
      rungs: this.#outcomes.map(({ report }) => report),
      ...(chosen < 0 ? {} : { chosen }),
      ended: this.#ended,
      ...(judged.bytesFloat === undefined ? {} : { bytesFloat: judged.bytesFloat }),
      command: this.#command,
      machine: `${Deno.build.os} ${Deno.build.arch}, ${navigator.hardwareConcurrency} hardware threads`,
      versions: {
        [MAKER.name]: MAKER.version,
        deno: Deno.version.deno,
        tfjs: version_core,
        "onnxruntime-node": ORT_VERSION,
      },
    };
  }
}
