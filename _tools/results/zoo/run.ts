/**
 * Measures the built-in architectures, and writes docs/zoo.json and docs/zoo.md.
 *
 *     deno task results zoo [--cache DIR] [--only ARCH[/PART]]… [--quick] [--threads N]
 *
 * A row has four parts, each in processes of its own: "file" (size, latency, what runs on integers), "step" (time and memory
 * of quantization-aware training), "qat" (a short training) and "static" (the same float model without training). What was
 * measured is kept in `--cache`: a later run does what is missing, or what `--only` names, and goes on with a training
 * that was killed. Results that docs/zoo.json has and the cache has not stay. With `--quick` all is tiny, to try the command;
 * its page goes into the cache and not into docs/. Nothing else should run meanwhile.
 */
import { parseArgs } from "node:util";
import { exists, runDeno, runTask } from "../_children.ts";
import { SHARED } from "../_jobs.ts";
import { readOrigin } from "../_origin.ts";
import { type PartName, trainedFigures, type ZooParts, type ZooResult, type ZooResultOf } from "./_figures.ts";
import { zooPage } from "./_markdown.ts";
import { quickRow, trainingFlags, ZOO_ROWS, type ZooRow } from "./_rows.ts";

/** The parts of a row, in the order in which they are measured: the last goes on from the one before it. */
const PARTS: readonly PartName[] = ["file", "step", "qat", "static"];

const DOCS = "docs";

/** Runs the command with its arguments. */
export async function runZoo(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      cache: { type: "string", default: "/tmp/tfjs-qat-zoo" },
      only: { type: "string", multiple: true },
      quick: { type: "boolean", default: false },
      threads: { type: "string" },
    },
  });
  const { only, quick: isQuick, threads } = values;
  refuseUnknown(only);
  const cache = `${values.cache}${isQuick ? "/quick" : ""}`;
  const failed = await new ZooRun({ cache, only, isQuick, ...(threads === undefined ? {} : { threads }) }).all();
  if (failed.length === 0) return;
  console.error(`\n${failed.join("\n")}`);
  Deno.exit(1);
}

/** @throws {RangeError} If there is no architecture or part of a name. */
export function refuseUnknown(only: readonly string[] = []): void {
  const names = ZOO_ROWS.map(({ name }): string => name);
  for (const asked of only) {
    const [arch, part] = asked.split("/");
    if (!names.includes(arch)) throw new RangeError(`Cannot run "${asked}": needed is one of ${names.join(", ")}`);
    if (part === undefined || PARTS.some((known) => known === part)) continue;
    throw new RangeError(`Cannot run "${asked}": its parts are ${PARTS.join(", ")}`);
  }
}

interface Asked {
  readonly cache: string;
  readonly only: readonly string[] | undefined;
  readonly isQuick: boolean;
  readonly threads?: string;
}

/** A run of the command. */
class ZooRun {
  readonly #failed: string[] = [];

  constructor(readonly asked: Asked) {}

  /** Measures what is asked for and missing; returns what failed, in sentences. */
  async all(): Promise<readonly string[]> {
    await Deno.mkdir(this.asked.cache, { recursive: true });
    for (const whole of ZOO_ROWS) {
      const row = this.asked.isQuick ? quickRow(whole) : whole;
      for (const part of PARTS) if (await this.#isDue(row, part)) await this.#try(row, part);
    }
    await this.#write();
    return this.#failed;
  }

  /** Whether a part is asked for by name, or missing. */
  async #isDue({ name, training }: ZooRow, part: PartName): Promise<boolean> {
    if ((part === "qat" || part === "static") && training === undefined) return false;
    const { only } = this.asked;
    if (only?.includes(`${name}/${part}`)) return true;
    if (only !== undefined && !only.includes(name)) return false;
    return !(await this.#results()).some((result) => result.arch === name && result.part === part);
  }

  /** Measures a part; one that fails does not keep the others from their turn. */
  async #try(row: ZooRow, part: PartName): Promise<void> {
    try {
      const start = performance.now();
      const figures = await this.#measure(row, part);
      const seconds = Math.round((performance.now() - start) / 1000);
      await this.#keep({ arch: row.name, part, ...await readOrigin(), seconds, figures });
      await this.#write();
    } catch (error) {
      this.#failed.push(`${row.name}/${part} failed: ${error instanceof Error ? error.message : String(error)}`);
      console.error(this.#failed.at(-1));
    }
  }

  async #measure(row: ZooRow, part: PartName): Promise<ZooParts[PartName]> {
    const { isQuick, threads } = this.asked;
    const limits = threads === undefined ? [] : ["--threads", threads];
    if (part === "file" || part === "step") {
      const flags = [...(isQuick ? ["--quick"] : []), ...limits];
      return JSON.parse(await runDeno("_tools/results/zoo/measure.ts", [part, row.name, ...flags]));
    }
    return await (part === "qat" ? this.#train(row, limits) : this.#quantize(row, limits));
  }

  async #train(row: ZooRow, limits: readonly string[]): Promise<ZooParts["qat"]> {
    const out = this.#outOf(row, "qat");
    const flags = [...trainingFlags(row, await exists(SHARED)), ...limits];
    // Training that was stopped goes on.
    const isBegun = await exists(`${out}/run`) && !await exists(`${out}/report.json`);
    await runTask("qat", isBegun ? ["--resume", out] : [...flags, "--out", out, "--overwrite"]);
    return await trainedFigures(out, `deno task qat ${flags.join(" ")}`);
  }

  /** Quantizes the float model that training went on from, on the same data. */
  async #quantize(row: ZooRow, limits: readonly string[]): Promise<ZooParts["static"]> {
    const [from, out] = [this.#outOf(row, "qat"), this.#outOf(row, "static")];
    const model = `${from}/float/model.json`;
    if (!await exists(model)) throw new Error("its training has to be run first, whose model it needs");
    const flags = ["--model", model, ...staticFlags(trainingFlags(row, await exists(SHARED))), ...limits];
    await runTask("ptq", [...flags, "--out", out, "--overwrite"]);
    return await trainedFigures(out, `deno task ptq ${flags.join(" ")}`.replaceAll(this.asked.cache, "CACHE"));
  }

  #outOf({ name }: ZooRow, part: PartName): string {
    return `${this.asked.cache}/${name}/${part}`;
  }

  get #path(): string {
    return `${this.asked.cache}/results.json`;
  }

  async #results(): Promise<readonly ZooResult[]> {
    return JSON.parse(await Deno.readTextFile(this.#path).catch(() => "[]"));
  }

  /** Keeps a result in the place of one of the same part. */
  async #keep(result: ZooResultOf<PartName>): Promise<void> {
    const others = (await this.#results()).filter((other) => !isSame(other, result));
    await Deno.writeTextFile(`${this.#path}.new`, `${JSON.stringify([...others, result], null, 2)}\n`);
    await Deno.rename(`${this.#path}.new`, this.#path);
  }

  /** Writes the page of all results that there are, those of earlier caches too. */
  async #write(): Promise<void> {
    const to = this.asked.isQuick ? this.asked.cache : DOCS;
    const results = await this.#results();
    const before: readonly ZooResult[] = JSON.parse(await Deno.readTextFile(`${to}/zoo.json`).catch(() => "[]"));
    const all = inOrder([...before.filter((other) => !results.some((result) => isSame(other, result))), ...results]);
    await Deno.writeTextFile(`${to}/zoo.json`, `${JSON.stringify(all, null, 2)}\n`);
    await Deno.writeTextFile(`${to}/zoo.md`, zooPage(all));
  }
}

function isSame(a: Pick<ZooResult, "arch" | "part">, b: Pick<ZooResult, "arch" | "part">): boolean {
  return a.arch === b.arch && a.part === b.part;
}

/** Results in the order of rows and parts; those of architectures that there are no longer go. */
function inOrder(results: readonly ZooResult[]): readonly ZooResult[] {
  return ZOO_ROWS.flatMap(({ name }) =>
    PARTS.flatMap((part) => results.find((result) => isSame(result, { arch: name, part })) ?? [])
  );
}

/** Flags of training that quantization without training has too. */
const SHARED_FLAGS = ["--task", "--data", "--limit"];

/** Returns the flags of `deno task ptq` for what was trained by `flags`. */
export function staticFlags(flags: readonly string[]): readonly string[] {
  return [
    ...flags.filter((flag, i) => SHARED_FLAGS.includes(flag) || SHARED_FLAGS.includes(flags[i - 1] ?? "")),
    ...["--samples", "64", "--precise"],
  ];
}
