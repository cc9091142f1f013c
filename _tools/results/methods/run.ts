/**
 * Runs the rows of the table of methods, and writes docs/methods.json and the page made of it, beside it.
 *
 *     deno task results methods [--cache DIR] [--only NET[/ROW]]… [--quick] [--threads N] [--peer-root DIR]
 *
 * Float models are trained once and kept in the folder of `--cache`; so is the result of each row, as soon as it is there.
 * A later run does what is missing, or what `--only` names: the rows of a net, a row, or "speed" for the times of nets with
 * random weights. With `--quick` all is tiny, to try the command; its tables go into the cache and not into docs/. Nothing
 * else should run meanwhile.
 *
 * Rows of ONNX Runtime's own quantizer need Debian's python3-onnxruntime and python3-onnx, here or in a root of its own,
 * `--peer-root` (default /opt/trixie): `debootstrap --variant=minbase trixie /opt/trixie MIRROR`, then
 * `chroot /opt/trixie apt-get install python3-onnxruntime python3-onnx`. Without them those rows are left out.
 */
import { parseArgs } from "node:util";
import type { Report } from "../../../mod.ts";
import { ARCH_NAMES } from "../../../models/arch/mod.ts";
import { checkSchema } from "../../../report/schema.ts";
import { SHARED } from "../_jobs.ts";
import { readOrigin } from "../_origin.ts";
import { Cache } from "./_cache.ts";
import { exists, runDeno, runTask } from "../_children.ts";
import { figuresOf, type MethodFigures, type MethodResult, type Speed } from "./_figures.ts";
import type { PeerTask } from "./judge_peer.ts";
import { methodsPage } from "./_markdown.ts";
import { type Net, NETS } from "./_nets.ts";
import { PLAINEST, type Row, rowsOf } from "./_rows.ts";
import { CALIBRATION } from "./_splits.ts";

/** What `--only` calls the times of nets with random weights. */
const SPEED = "speed";

/** The row whose float file ONNX Runtime's quantizer starts from: that of the model as it was given. */
const BASE = `static-${PLAINEST}`;

/** The row whose int8 file its is compared with: what a user gets who asks for nothing else. */
const OURS = "static";

/** Runs the command with its arguments. */
export async function runMethods(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      cache: { type: "string", default: "/tmp/tfjs-qat-methods" },
      only: { type: "string", multiple: true },
      quick: { type: "boolean", default: false },
      threads: { type: "string" },
      "peer-root": { type: "string", default: "/opt/trixie" },
    },
  });
  refuseUnknown(values.only);
  const threads = values.threads === undefined ? undefined : Number(values.threads);
  const cache = new Cache(`${values.cache}${values.quick ? "/quick" : ""}`, { isQuick: values.quick, threads });
  const run = new MethodsRun(cache, { only: values.only, root: values["peer-root"] });
  const failed = await run.all();
  if (failed.length === 0) return;
  console.error(`\n${failed.join("\n")}`);
  Deno.exit(1);
}

function refuseUnknown(only: readonly string[] = []): void {
  const rows = NETS.flatMap((net) => rowsOf(net).map(({ name }) => `${net.name}/${name}`));
  const names = [...NETS.map(({ name }) => name), SPEED];
  const unknown = only.find((name) => !names.includes(name) && !rows.includes(name));
  if (unknown === undefined) return;
  const [net] = unknown.split("/");
  const near = rows.filter((row) => row.startsWith(`${net}/`));
  throw new RangeError(
    `Cannot run "${unknown}": needed is one of ${(near.length > 0 && unknown.includes("/") ? near : names).join(", ")}`,
  );
}

interface Asked {
  readonly only: readonly string[] | undefined;
  readonly root: string;
}

/** A run of the command. */
class MethodsRun {
  readonly #failed: string[] = [];

  constructor(readonly cache: Cache, readonly asked: Asked) {}

  /** Runs what is asked for and missing; returns what failed, in sentences. */
  async all(): Promise<readonly string[]> {
    await Deno.mkdir(this.cache.dir, { recursive: true });
    for (const net of NETS) {
      const because = await this.#whyLeft(net);
      if (because !== undefined) {
        if (this.#isAsked(net.name)) console.log(`${net.name} is left out: ${because}`);
        continue;
      }
      for (const row of rowsOf(net)) if (await this.#isDue(net, row)) await this.#try(net, row);
    }
    await this.#timePeers();
    await this.#write();
    return this.#failed;
  }

  async #whyLeft({ float, samples }: Net): Promise<string | undefined> {
    const needsShared = samples !== "brackets" || float.kind === "file";
    if (needsShared && !await exists(SHARED)) return `${SHARED} is not there`;
    const arch = float.kind === "trained" ? float.flags[float.flags.indexOf("--arch") + 1] : undefined;
    const isKnown = arch === undefined || float.kind !== "trained" || !float.flags.includes("--arch") ||
      ARCH_NAMES.some((name) => name === arch);
    return isKnown ? undefined : `there is no architecture "${arch}"`;
  }

  #isAsked(...names: readonly string[]): boolean {
    const { only } = this.asked;
    return only === undefined || only.some((name) => names.some((own) => name === own || name.startsWith(`${own}/`)));
  }

  /** Whether a row is asked for by name, or missing. */
  async #isDue(net: Net, row: Row): Promise<boolean> {
    const { only } = this.asked;
    if (only !== undefined) return only.includes(net.name) || only.includes(`${net.name}/${row.name}`);
    const known = await this.cache.results();
    return !known.some((result) => result.net === net.name && result.row === row.name);
  }

  /** Runs a row; one that fails does not keep the others from their turn. */
  async #try(net: Net, row: Row): Promise<void> {
    try {
      const start = performance.now();
      const done = await this.#run(net, row);
      if (done === undefined) return;
      const seconds = Math.round((performance.now() - start) / 1000);
      const result: MethodResult = { net: net.name, row: row.name, ...await readOrigin(), seconds, ...done };
      await this.cache.keep(result);
      await this.#write();
    } catch (error) {
      const because = error instanceof Error ? error.message : String(error);
      this.#failed.push(`${net.name}/${row.name} failed: ${because}`);
      console.error(this.#failed.at(-1));
    }
  }

  async #run(net: Net, row: Row): Promise<Pick<MethodResult, "command" | "figures"> | undefined> {
    const float = await this.cache.floatOf(net);
    const { method } = row;
    if (method.kind === "peer") return await this.#runPeer(net, method.calibration);
    const out = this.cache.outOf(net.name, row.name);
    const { data, calibrate } = await this.cache.samplesOf(net);
    const common = ["--model", float, "--data", data, ...this.cache.commonFlags, "--precise"];
    const calibration = this.cache.scale.isQuick ? 32 : CALIBRATION;
    const isStatic = method.kind === "ptq" && method.flags.includes("static");
    const given = method.kind === "ptq" && method.flags.includes("--calibrate") ? [] : ["--calibrate", calibrate];
    const epochs = this.cache.scale.isQuick ? 1 : net.epochs;
    const rate = net.rate === undefined ? [] : ["--lr", `${net.rate.value}`];
    const flags = method.kind === "qat"
      ? [...common, "--control", "--epochs", `${epochs}`, ...rate, "--seed", `${method.seed}`]
      : [...common, ...(isStatic ? [...given, "--samples", `${calibration}`] : []), ...method.flags];
    const task = method.kind;
    // Training that was stopped goes on.
    const isBegun = task === "qat" && await exists(`${out}/run`) && !await exists(`${out}/report.json`);
    await runTask(task, isBegun ? ["--resume", out] : [...flags, "--out", out, "--overwrite"]);
    const report: Report = JSON.parse(await Deno.readTextFile(`${out}/report.json`));
    checkSchema(report);
    const command = `deno task ${task} ${flags.join(" ")}`.replaceAll(this.cache.dir, "CACHE");
    return { command, figures: figuresOf(report) };
  }

  async #runPeer(net: Net, calibration: string): Promise<Pick<MethodResult, "command" | "figures"> | undefined> {
    const float = `${this.cache.outOf(net.name, BASE)}/model.float.onnx`;
    const int8 = `${this.cache.outOf(net.name, OURS)}/model.int8.onnx`;
    for (const [row, file] of [[BASE, float], [OURS, int8]]) {
      if (!await exists(file)) throw new Error(`the row ${net.name}/${row} has to be run first, whose file it needs`);
    }
    const { threads, isQuick } = this.cache.scale;
    const task: PeerTask = {
      ...await this.cache.samplesOf(net),
      float,
      int8,
      ...(isQuick ? { limit: 320 } : {}),
      ...(threads === undefined ? {} : { threads }),
      calibration,
      root: this.asked.root,
    };
    const line = await runDeno("_tools/results/methods/judge_peer.ts", [JSON.stringify(task)]);
    const figures: MethodFigures | null = JSON.parse(line);
    if (figures !== null) {
      const command = `ort_static_quantize.py ${task.float} --calibrate x.npy --method ${calibration} --out int8.onnx`;
      return { command: command.replaceAll(this.cache.dir, "CACHE"), figures };
    }
    console.log(`${net.name}/peer-${calibration} is left out: there is no Python with onnxruntime and onnx here`);
  }

  async #timePeers(): Promise<void> {
    const path = `${this.cache.dir}/${SPEED}.json`;
    const isDue = this.asked.only === undefined ? !await exists(path) : this.asked.only.includes(SPEED);
    if (!isDue || !await exists(`${SHARED}/peers`)) return;
    const { threads } = this.cache.scale;
    const line = await runDeno("_tools/results/methods/time_peers.ts", threads === undefined ? [] : [`${threads}`]);
    const speed: Speed = { ...await readOrigin(), nets: JSON.parse(line) };
    await Deno.writeTextFile(path, `${JSON.stringify(speed, null, 2)}\n`);
  }

  /** Writes the tables of all results that are there. */
  async #write(): Promise<void> {
    const path = `${this.cache.dir}/${SPEED}.json`;
    const speed: Speed | undefined = await exists(path) ? JSON.parse(await Deno.readTextFile(path)) : undefined;
    const methods = { rows: await this.cache.results(), ...(speed === undefined ? {} : { speed }) };
    const to = this.cache.scale.isQuick ? this.cache.dir : "docs";
    await Deno.mkdir(to, { recursive: true });
    await Deno.writeTextFile(`${to}/methods.json`, `${JSON.stringify(methods, null, 2)}\n`);
    await Deno.writeTextFile(`${to}/methods.md`, methodsPage(methods));
  }
}
