/**
 * Runs the jobs that the README's figures come from, and the bench of a training step; writes docs/results.json,
 * docs/results.md, the README's part on results and docs/report.png.
 *
 *     deno task results [--only NAME]…
 *     deno task results methods …          (see methods/run.ts)
 *     deno task results tasks …            (see tasks/run.ts)
 *     deno task results zoo …              (see zoo/run.ts)
 *
 * A name is a job's, or "step" for the bench. Every result keeps the commit, the machine and the day of its run; with
 * `--only` the others stay as they are. Nothing else should run meanwhile.
 */
import { parseArgs } from "node:util";
import type { Report } from "../../mod.ts";
import { checkSchema } from "../../report/schema.ts";
import type { NetResult } from "../../tests/bench/step_bench.ts";
import { figuresOf, type Result, type Results } from "./_figures.ts";
import { JOBS, needsShared, type ResultJob, SHARED } from "./_jobs.ts";
import { readmeBlock, replaceBlock, resultsPage } from "./_markdown.ts";
import { type Origin, readOrigin } from "./_origin.ts";
import { takePicture } from "./_picture.ts";
import { runMethods } from "./methods/run.ts";
import { runTasks } from "./tasks/run.ts";
import { runZoo } from "./zoo/run.ts";

const RESULTS = "docs/results.json";

/** What the bench of a training step is called. */
const STEP = "step";

if (import.meta.main) {
  const [command, ...args] = Deno.args;
  const tables: Readonly<Record<string, (args: readonly string[]) => Promise<void>>> = {
    methods: runMethods,
    tasks: runTasks,
    zoo: runZoo,
  };
  try {
    await (Object.hasOwn(tables, command ?? "") ? tables[command](args) : main());
  } catch (error) {
    // Options that are none are refused with a code, and names that are none with one sentence.
    const isRefusal = error instanceof RangeError || (error instanceof TypeError && "code" in error);
    if (!isRefusal) throw error;
    console.error(error.message);
    Deno.exit(1);
  }
}

async function main(): Promise<void> {
  const { values: { only } } = parseArgs({ options: { only: { type: "string", multiple: true } } });
  refuseUnknown(only);
  const origin = await readOrigin();
  const folder = await Deno.makeTempDir({ prefix: "results-" });
  try {
    for (const job of chosen(only)) {
      for (const seed of job.seeds) {
        const result = await runJob(job, { seed, origin, out: `${folder}/${job.name}-${seed}` });
        await write(({ jobs, ...rest }) => ({ ...rest, jobs: [...jobs.filter(isOther(result)), result] }));
      }
      if (job.isPicture) await takePicture(`${folder}/${job.name}-${job.seeds[0]}/report.html`, "docs/report.png");
    }
    if (only === undefined || only.includes(STEP)) {
      const nets = await benchSteps(`${folder}/step.json`);
      await write((results) => ({ ...results, step: { ...origin, nets } }));
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function refuseUnknown(only: readonly string[] = []): void {
  const names = [...JOBS.map(({ name }) => name), STEP];
  const unknown = only.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new RangeError(`Cannot run "${unknown}": needed is one of ${names.join(", ")}`);
}

/** Returns the jobs to run, less those whose data is not here. */
function chosen(only: readonly string[] | undefined): readonly ResultJob[] {
  return JOBS.filter((job) => {
    if (only !== undefined && !only.includes(job.name)) return false;
    const isHere = !needsShared(job) || isFolder(SHARED);
    if (!isHere) console.log(`${job.name} is left out: ${SHARED} is not there`);
    return isHere;
  });
}

function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

interface Run {
  readonly seed: number;
  readonly origin: Origin;
  readonly out: string;
}

async function runJob(job: ResultJob, { seed, origin, out }: Run): Promise<Result> {
  const flags = [...job.args, "--seed", `${seed}`];
  const command = `deno task qat ${flags.join(" ")}`;
  console.log(`\n${command}`);
  const start = performance.now();
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", "qat", ...flags, "--out", out, "--quiet"],
    stdin: "null",
  }).output();
  if (!success) throw new Error(`Cannot tell the results of "${job.name}": ${command} failed`);
  const report: Report = JSON.parse(await Deno.readTextFile(`${out}/report.json`));
  checkSchema(report);
  const seconds = (performance.now() - start) / 1000;
  return { job: job.name, seed, command, ...origin, seconds: Math.round(seconds), figures: figuresOf(report) };
}

/** Times training steps, against PyTorch's where it is installed. */
async function benchSteps(to: string): Promise<Readonly<Record<string, NetResult>>> {
  console.log("\ndeno task bench");
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--allow-all", "tests/bench/step_bench.ts", "--json", to],
    stdout: "inherit",
  }).output();
  if (!success) throw new Error("Cannot tell what a step takes: deno task bench failed");
  return JSON.parse(await Deno.readTextFile(to)).nets;
}

function isOther({ job, seed }: Result): (other: Result) => boolean {
  return (other) => other.job !== job || other.seed !== seed;
}

/** Changes the results, and writes all documents. */
async function write(change: (results: Results) => Results): Promise<void> {
  const before: Results = JSON.parse(await Deno.readTextFile(RESULTS).catch(() => '{ "jobs": [] }'));
  const changed = change(before);
  // Results of jobs that there are no longer go.
  const results = { ...changed, jobs: changed.jobs.filter(({ job }) => JOBS.some(({ name }) => name === job)) };
  await Deno.writeTextFile(RESULTS, `${JSON.stringify(results, null, 2)}\n`);
  await Deno.writeTextFile("docs/results.md", resultsPage(results));
  const readme = await Deno.readTextFile("README.md");
  await Deno.writeTextFile("README.md", replaceBlock(readme, readmeBlock(results)));
}
